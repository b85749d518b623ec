package bolt

import (
	"context"

	"go.etcd.io/bbolt"

	"instances/pkg/instance"
	"instances/pkg/repository"
)

// Delete implements [instance.Deleter] with a read and a write.
func (r *Repository) Delete(ctx context.Context, key instance.Key, change instance.Change, check func(instance.Instance) error) error {
	for range repository.Attempts(ctx) {
		seen, err := r.Get(ctx, key)
		if err != nil {
			return err
		}
		if check != nil {
			if err := check(seen); err != nil {
				return err
			}
		}
		if err := r.discard(ctx, seen, change); !repository.LostRace(err) {
			return err
		}
	}
	return repository.Busy("delete " + key.String())
}

// discard moves an instance to the trash if it is still in the state seen.
func (r *Repository) discard(ctx context.Context, seen instance.Instance, change instance.Change) error {
	return r.write(ctx, "delete "+seen.Key().String(), func(tx *bbolt.Tx) error {
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
		return r.record(tx, stored, change, nil)
	})
}
