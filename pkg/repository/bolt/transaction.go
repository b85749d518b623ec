package bolt

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"sync"

	"go.etcd.io/bbolt"
)

// file is the open file. A panic of bbolt, or a page fault, is an error of the
// call that met it: see [faulted].
type file struct {
	db *bbolt.DB
	// f is what db has open, and pageSize the size of its pages.
	f        *os.File
	pageSize uint64

	// beginning is held while a transaction begins. It guards lost, which is
	// why no transaction can begin any more, and unsafe, which is why no write
	// can: to write where a page is damaged may damage others.
	beginning    sync.Mutex
	lost, unsafe error

	// writing is held by the one that writes, and guards written, the number
	// of the last transaction that wrote. queued guards waiting, the writes
	// that have not begun.
	writing sync.Mutex
	written int
	queued  sync.Mutex
	waiting []*queuedWrite
}

// queuedWrite is a write that waits, or has waited, for its transaction.
type queuedWrite struct {
	do func(*bbolt.Tx) error
	// done says that err is what became of it. Both are guarded by
	// file.writing.
	done bool
	err  error
}

// newFile returns the file f that db has open.
func newFile(db *bbolt.DB, f *os.File) *file {
	return &file{db: db, f: f, pageSize: uint64(db.Info().PageSize)}
}

// transact runs do in a transaction that begin, a method of bbolt.DB, makes.
func (f *file) transact(begin func(func(*bbolt.Tx) error) error, do func(*bbolt.Tx) error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	f.beginning.Lock()
	if f.lost != nil {
		defer f.beginning.Unlock()
		return f.lost
	}
	var tx *bbolt.Tx
	defer func() {
		p := recover()
		if tx != nil && p != nil {
			f.beginning.Lock()
		}
		if tx == nil || p != nil {
			defer f.beginning.Unlock()
		}
		if p == nil {
			return
		}
		var inPage bool
		if err, inPage = faulted(p); inPage {
			f.unsafe = err
		}
		if tx == nil || tx.DB() != nil {
			// It did not begin, or could not roll back. bbolt still holds its
			// locks, so that whoever waits for one would wait forever.
			f.lost = err
		}
	}()
	return begin(func(t *bbolt.Tx) error {
		tx = t
		f.beginning.Unlock()
		return do(t)
	})
}

// view runs do in a read transaction.
func (f *file) view(do func(*bbolt.Tx) error) error { return f.transact(f.db.View, do) }

// update runs do in a transaction that is kept unless do fails.
func (f *file) update(do func(*bbolt.Tx) error) error {
	number := 0
	err := f.transact(f.db.Update, func(tx *bbolt.Tx) error {
		f.beginning.Lock()
		unsafe := f.unsafe
		f.beginning.Unlock()
		if unsafe != nil {
			return unsafe
		}
		if number = tx.ID(); f.written != 0 && number != f.written+1 {
			return damaged("it is not as the last write left it")
		}
		return do(tx)
	})
	if err == nil {
		f.written = number
	}
	return err
}

// commit runs a write. It shares a transaction, and the wait for the disk,
// with the others that came while an earlier one was under way.
func (f *file) commit(do func(*bbolt.Tx) error) error {
	w := &queuedWrite{do: do}
	f.queued.Lock()
	f.waiting = append(f.waiting, w)
	f.queued.Unlock()

	f.writing.Lock()
	defer f.writing.Unlock()
	if !w.done {
		f.queued.Lock()
		writes := f.waiting
		f.waiting = nil
		f.queued.Unlock()
		f.commitAll(writes)
	}
	return w.err
}

// commitAll runs the writes in one transaction, but those that fail by
// themselves: what they found may be the work of others that were not kept.
func (f *file) commitAll(writes []*queuedWrite) {
	var alone []*queuedWrite
	for len(writes) > 0 {
		failed := -1
		err := f.update(func(tx *bbolt.Tx) error {
			for n, w := range writes {
				failed = n
				if err := w.do(tx); err != nil {
					return err
				}
			}
			failed = -1
			return nil
		})
		if failed < 0 || len(writes) == 1 {
			for _, w := range writes {
				w.done, w.err = true, err
			}
			break
		}
		alone = append(alone, writes[failed])
		writes = slices.Delete(writes, failed, failed+1)
	}
	for _, w := range alone {
		w.done, w.err = true, f.update(w.do)
	}
}

// close waits for the transactions that are under way. Where one was lost, the
// lock on the file ends with the process.
func (f *file) close() error {
	f.beginning.Lock()
	defer f.beginning.Unlock()
	if f.lost != nil {
		return f.lost
	}
	return f.db.Close()
}

// view runs do in a read transaction. What do keeps it must copy. A failure
// is wrapped with what was being done.
func (r *Repository) view(ctx context.Context, what string, do func(*bbolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if err := r.file.view(do); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// write runs do in a transaction that is on the disk when write returns. It
// may run do more than once, so do must set all that it hands out each time.
// If do fails, nothing of it is written.
func (r *Repository) write(ctx context.Context, what string, do func(*bbolt.Tx) error) error {
	err := r.file.commit(func(tx *bbolt.Tx) error {
		// The context may have ended while the write waited.
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := noteUse(tx, kept(r.now())); err != nil {
			return err
		}
		return do(tx)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
