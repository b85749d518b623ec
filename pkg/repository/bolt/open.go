package bolt

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"
)

// ErrLocked says that another process, or this one, has the file open.
var ErrLocked = errors.New("database file is in use by another process")

// Options of a repository. The zero value is ready for use.
type Options struct {
	// Now is the clock that decides what has expired; nil means time.Now. It
	// must be safe for concurrent use.
	Now func() time.Time
	// HistoryRetention is how long the event of a write is kept after it; 0
	// means for ever.
	HistoryRetention time.Duration
	// LockTimeout is how long Open waits for another process to close the
	// file; 0 means a second.
	LockTimeout time.Duration
	// NoSync leaves it to the operating system when writes reach the disk. A
	// crash of the machine can then damage the file: for tests.
	NoSync bool
}

// Repository keeps instances in one file. It is safe for concurrent use.
// Every error is one of package instance or auth, or of the context, or else
// a fault of the file.
type Repository struct {
	db        *bbolt.DB
	now       func() time.Time
	retention time.Duration
	// writers counts the writes that are under way.
	writers atomic.Int64

	// mu guards numbers, the last number given out by this process per kind.
	mu      sync.Mutex
	numbers map[string]int64
}

// batchDelay is how long a write waits for others to share its transaction,
// when another is under way.
const batchDelay = 2 * time.Millisecond

// Open opens the file at path, and creates it with mode 0600 if it is not
// there; its folder must exist. A file of an earlier layout is brought up to
// date, all at once. The error is [ErrLocked] when the file is open elsewhere.
func Open(path string, o Options) (*Repository, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.LockTimeout == 0 {
		o.LockTimeout = time.Second
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout: o.LockTimeout, NoSync: o.NoSync, FreelistType: bbolt.FreelistMapType,
	})
	if errors.Is(err, bbolterrors.ErrTimeout) {
		err = ErrLocked
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db.MaxBatchDelay = batchDelay
	if err := db.Update(prepare); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), db.Close())
	}
	return &Repository{db: db, now: o.Now, retention: o.HistoryRetention, numbers: map[string]int64{}}, nil
}

// Close waits for calls that are under way and closes the file.
func (r *Repository) Close() error { return r.db.Close() }
