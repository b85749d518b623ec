package bolt

import (
	"context"
	"time"

	"go.etcd.io/bbolt"

	"instances/pkg/instance"
)

// Touch notes that the instance was heard of: LastSeenAt becomes at, to the
// millisecond, unless it is as late already. Nothing else changes, neither
// version nor update time, and there is no event. It returns
// [instance.ErrNotFound].
func (r *Repository) Touch(ctx context.Context, key instance.Key, at time.Time) error {
	at = kept(at)
	// Most of what comes late needs no wait for the disk.
	i, err := r.Get(ctx, key)
	if err != nil || !at.After(i.LastSeenAt) {
		return err
	}
	return r.write(ctx, "touch "+key.String(), func(tx *bbolt.Tx) error {
		stored, err := load(tx, key)
		if err != nil || !at.After(stored.LastSeenAt) {
			return err
		}
		stored.LastSeenAt = at
		return bucket(tx, instancesBucket).Put(instanceKey(stored), encode(stored))
	})
}
