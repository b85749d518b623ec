package bolt

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"instances/pkg/instance"
)

// The errors of a file.
var (
	// ErrLocked says that another process, or this one, has the file open.
	ErrLocked = errors.New("database file is in use by another process")
	// ErrDamaged says that the file, or what is asked for in it, cannot be
	// read or is not what was written.
	ErrDamaged = errors.New("the database file is damaged")
)

// Options of a repository. The zero value is ready for use.
type Options struct {
	// Now is the clock that decides what has expired; nil means time.Now. It
	// must be safe for concurrent use.
	Now func() time.Time
	// HistoryRetention is how long the event of a write is kept after it; 0
	// means forever.
	HistoryRetention time.Duration
	// EqualCodes is told of instances whose codes an upgrade made equal; nil means
	// that nobody is. All of them keep their code and can be changed, and no other
	// instance can take it until the last of them has left it.
	EqualCodes func([]instance.Instance)
	// LockTimeout is how long Open waits for another process to close the
	// file; 0 means a second.
	LockTimeout time.Duration
	// NoSync leaves it to the operating system when writes reach the disk. A
	// crash of the machine can then damage the file: for tests.
	NoSync bool
}

// Repository keeps instances in one file. It is safe for concurrent use.
// Every error is one of package instance or auth, or of the context, or else
// a fault of the file: [ErrDamaged], or a write that the disk refused.
type Repository struct {
	file      *file
	now       func() time.Time
	retention time.Duration

	// mu guards numbers, the last number given out by this process per kind.
	mu      sync.Mutex
	numbers map[string]int64
}

// Open opens the file at path, and creates it with mode 0600 if it is not
// there; its folder must exist. A file is created whole or not at all.
//
// A file of an earlier layout is brought up to date, all at once; the file as
// it was is kept next to it, with its layout at the end of its name.
//
// The error is [ErrLocked] when the file is open elsewhere, and [ErrDamaged]
// when it is cut off or altered. Open checks the whole of a small file, and
// what leads to the records of a large one; see [Check] for the rest.
func Open(path string, o Options) (*Repository, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.LockTimeout == 0 {
		o.LockTimeout = time.Second
	}
	f, err := openOrCreate(path, o)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return &Repository{file: f, now: o.Now, retention: o.HistoryRetention, numbers: map[string]int64{}}, nil
}

// Close waits for calls that are under way and closes the file.
func (r *Repository) Close() error { return r.file.close() }
