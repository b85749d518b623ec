package bolt

import (
	"context"

	"go.etcd.io/bbolt"

	"instances/pkg/instance"
	"instances/pkg/repository"
)

// Delete implements [instance.Deleter] with [repository.Delete].
func (r *Repository) Delete(ctx context.Context, key instance.Key, change instance.Change, record *instance.Idempotency,
	check func(instance.Instance) error,
) error {
	return repository.Delete(ctx, r, key, record, check, func(seen instance.Instance) error {
		return r.discard(ctx, seen, change, record)
	})
}

// discard moves an instance to the trash if it is still in the state seen.
func (r *Repository) discard(ctx context.Context, seen instance.Instance, change instance.Change, record *instance.Idempotency) error {
	return r.write(ctx, "delete "+seen.Key().String(), func(tx *bbolt.Tx) error {
		if err := r.repeated(tx, record); err != nil {
			return err
		}
		stored, err := load(tx, seen.Key())
		if err != nil {
			return err
		}
		// A heartbeat changes no version.
		if stored.Revision() != seen.Revision() || !stored.LastSeenAt.Equal(seen.LastSeenAt) || !stored.IdleSince.Equal(seen.IdleSince) {
			return instance.ErrConflict
		}
		if err := remove(tx, stored); err != nil {
			return err
		}
		if err := trash(tx, stored, change); err != nil {
			return err
		}
		if err := r.record(tx, stored, change, nil); err != nil {
			return err
		}
		return recordAnswer(tx, record, stored)
	})
}
