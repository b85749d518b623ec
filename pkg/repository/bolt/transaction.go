package bolt

import (
	"context"
	"fmt"

	"go.etcd.io/bbolt"
)

// view runs do in a read transaction. What do keeps it must copy. A failure
// is wrapped with what was being done.
func (r *Repository) view(ctx context.Context, what string, do func(*bbolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if err := r.db.View(do); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// write runs do in a transaction that is on the disk when write returns. It
// may run do more than once, so do must set all that it hands out each time.
// If do fails, nothing of it is written.
func (r *Repository) write(ctx context.Context, what string, do func(*bbolt.Tx) error) error {
	err := r.commit(func(tx *bbolt.Tx) error {
		// The context may have ended while the transaction waited.
		if err := ctx.Err(); err != nil {
			return err
		}
		return do(tx)
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// commit runs a write alone and at once when no other is under way. Otherwise
// it lets the write share a transaction, and the wait for the disk, with those
// that come within batchDelay.
func (r *Repository) commit(do func(*bbolt.Tx) error) error {
	defer r.writers.Add(-1)
	if r.writers.Add(1) == 1 {
		return r.db.Update(do)
	}
	return r.db.Batch(do)
}

// bucket returns one of the buckets that every file has.
func bucket(tx *bbolt.Tx, name string) *bbolt.Bucket { return tx.Bucket([]byte(name)) }
