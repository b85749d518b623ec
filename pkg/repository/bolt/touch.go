package bolt

import (
	"context"
	"time"

	"go.etcd.io/bbolt"

	"instances/pkg/instance"
)

// Touch implements [instance.Toucher].
func (r *Repository) Touch(ctx context.Context, key instance.Key, at time.Time) error {
	at, now := kept(at), kept(r.now())
	// A heartbeat that changes nothing need not wait for the disk.
	i, err := r.Get(ctx, key)
	if err != nil {
		return err
	}
	if _, changed := touched(i, at, now); !changed {
		return nil
	}
	return r.write(ctx, "touch "+key.String(), func(tx *bbolt.Tx) error {
		stored, err := load(tx, key)
		if err != nil {
			return err
		}
		after, changed := touched(stored, at, now)
		if !changed {
			return nil
		}
		return rewrite(tx, stored, after)
	})
}

// touched returns i as last seen at that time, and whether that changes it.
func touched(i instance.Instance, at, now time.Time) (after instance.Instance, changed bool) {
	if at.IsZero() {
		return i, false
	}
	for _, t := range []*time.Time{&i.LastSeenAt, &i.IdleSince} {
		if t.Before(at) || t.After(now) && t.After(at) {
			*t, changed = at, true
		}
	}
	return i, changed
}
