package bolt

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"time"

	"go.etcd.io/bbolt"

	"instances/pkg/instance"
)

// Idle implements [instance.IdleReader]. It reads the instances that have been
// idle since the day of that time or an earlier day.
func (r *Repository) Idle(ctx context.Context, kind instance.Kind, before time.Time) iter.Seq2[instance.Instance, error] {
	prefix := parts(kind.Name)
	return scan(ctx, r, "idle of "+kind.Name, idleBucket, prefix,
		func(tx *bbolt.Tx, b *batch[instance.Instance], key, _ []byte) (more bool, err error) {
			day, position := cutTime(key[len(prefix):])
			if !day.Before(before) {
				return false, nil
			}
			record := bucket(tx, instancesBucket).Get(append(parts(kind.Name), position...))
			i, err := decode(kind, record)
			if err != nil {
				return false, err
			}
			if i.IdleSince.Before(before) {
				b.add(i, len(record))
			}
			return true, nil
		})
}

// idleEntry returns the index entry of an instance that is idle, or nil. Entries
// are sorted by day, so heartbeats rarely move them.
func idleEntry(i instance.Instance) []byte {
	if i.IdleSince.IsZero() {
		return nil
	}
	entry := appendTime(parts(i.Kind.Name), i.IdleSince.Truncate(24*time.Hour))
	return append(entry, positionOf(i)...)
}

// moveIdle updates the index of idle instances when an instance changes. The
// zero value stands for no instance.
func moveIdle(tx *bbolt.Tx, before, after instance.Instance) error {
	if err := moveEntry(bucket(tx, idleBucket), idleEntry(before), idleEntry(after)); err != nil {
		return fmt.Errorf("move idle: %w", err)
	}
	return nil
}

// moveEntry replaces one entry of an index with another. Either may be nil.
func moveEntry(index sealed, from, to []byte) error {
	if bytes.Equal(from, to) {
		return nil
	}
	if from != nil {
		if err := index.Delete(from); err != nil {
			return err
		}
	}
	if to != nil {
		return index.Put(to, nil)
	}
	return nil
}
