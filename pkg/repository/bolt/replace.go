package bolt

import (
	"context"
	"fmt"

	"go.etcd.io/bbolt"

	"instances/pkg/instance"
	"instances/pkg/repository"
)

// Replace implements [instance.Replacer].
func (r *Repository) Replace(ctx context.Context, before, after instance.Instance, change instance.Change,
	record *instance.Idempotency,
) (instance.Instance, error) {
	key := before.Key()
	after.Kind, after.Collection, after.ID = key.Kind, key.Collection, key.ID
	if after.StoredSize() > instance.MaxStoredBytes {
		return instance.Instance{}, fmt.Errorf("replace %v: %w", key, instance.ErrTooLarge)
	}
	after.Version, after.Incarnation = before.Version+1, before.Incarnation
	after.UpdatedAt = kept(change.At)
	heard, seen := !after.LastSeenAt.Equal(before.LastSeenAt), kept(after.LastSeenAt)
	moved, idle := !after.IdleSince.Equal(before.IdleSince), kept(after.IdleSince)
	err := r.write(ctx, "replace "+key.String(), func(tx *bbolt.Tx) error {
		if err := r.repeated(tx, record); err != nil {
			return err
		}
		stored, err := load(tx, key)
		if err != nil {
			return err
		}
		if stored.Version != before.Version || stored.Incarnation != before.Incarnation {
			return instance.ErrConflict
		}
		after.CreatedAt, after.LastSeenAt, after.IdleSince = stored.CreatedAt, stored.LastSeenAt, stored.IdleSince
		if heard {
			after.LastSeenAt = seen
		}
		if moved {
			after.IdleSince = idle
		}
		if err := exchange(tx, stored, after); err != nil {
			return err
		}
		if err := r.record(tx, after, change, instance.Diff(stored, after)); err != nil {
			return err
		}
		return recordAnswer(tx, record, after)
	})
	if err != nil {
		return instance.Instance{}, err
	}
	return after, nil
}

// Update implements [instance.Updater] with [repository.Update].
func (r *Repository) Update(ctx context.Context, key instance.Key, change instance.Change, record *instance.Idempotency,
	modify func(instance.Instance) (instance.Instance, error),
) (instance.Instance, error) {
	return repository.Update(ctx, r, key, change, record, modify)
}
