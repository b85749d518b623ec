package bolt

import (
	"context"
	"time"

	"go.etcd.io/bbolt"

	"instances/pkg/instance"
)

// Touch notes that the instance was heard of: LastSeenAt and IdleSince each
// become at, to the millisecond, unless they are as late already. Nothing else
// changes, neither version nor update time, and there is no event. It returns
// [instance.ErrNotFound].
func (r *Repository) Touch(ctx context.Context, key instance.Key, at time.Time) error {
	at = kept(at)
	// Most of what comes late needs no wait for the disk.
	i, err := r.Get(ctx, key)
	if err != nil {
		return err
	}
	if _, later := touched(i, at); !later {
		return nil
	}
	return r.write(ctx, "touch "+key.String(), func(tx *bbolt.Tx) error {
		stored, err := load(tx, key)
		if err != nil {
			return err
		}
		after, later := touched(stored, at)
		if !later {
			return nil
		}
		return rewrite(tx, stored, after)
	})
}

// touched returns i as heard of at that time, and whether that changes it.
func touched(i instance.Instance, at time.Time) (after instance.Instance, later bool) {
	for _, t := range []*time.Time{&i.LastSeenAt, &i.IdleSince} {
		if at.After(*t) {
			*t, later = at, true
		}
	}
	return i, later
}
