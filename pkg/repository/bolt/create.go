package bolt

import (
	"context"
	"fmt"
	"strconv"

	"go.etcd.io/bbolt"

	"instances/pkg/instance"
	"instances/pkg/repository"
)

// Create implements [instance.Creator].
func (r *Repository) Create(ctx context.Context, i instance.Instance, change instance.Change, record *instance.Idempotency) error {
	if i.StoredSize() > instance.MaxStoredBytes {
		return fmt.Errorf("create %v: %w", i.Key(), instance.ErrTooLarge)
	}
	if err := repository.CheckID(i.Key()); err != nil {
		return fmt.Errorf("create %v: %w", i.Key(), err)
	}
	fields := instance.Diff(instance.Instance{}, i)
	return r.write(ctx, "create "+i.Key().String(), func(tx *bbolt.Tx) error {
		if err := r.repeated(tx, record); err != nil {
			return err
		}
		if find(tx, i.Key()) != nil {
			return instance.ErrExists
		}
		if err := put(tx, i); err != nil {
			return err
		}
		if i.Kind.Order == instance.OrderNumber {
			if err := useNumber(tx, i); err != nil {
				return err
			}
		}
		if err := r.record(tx, i, change, fields); err != nil {
			return err
		}
		return recordAnswer(tx, record, i)
	})
}

// useNumber records durably that the number of i was given out.
func useNumber(tx *bbolt.Tx, i instance.Instance) error {
	n, err := strconv.ParseInt(i.ID, 10, 64)
	if err != nil {
		return fmt.Errorf("id is not a number: %w", err)
	}
	return raise(tx, i.Kind, n)
}
