package bolt

import (
	"bytes"
	"context"

	"go.etcd.io/bbolt"

	"instances/pkg/instance"
)

// Restore implements [instance.Restorer].
func (r *Repository) Restore(ctx context.Context, key instance.Key, change instance.Change) (instance.Instance, error) {
	var restored instance.Instance
	err := r.write(ctx, "restore "+key.String(), func(tx *bbolt.Tx) error {
		_, place := last(bucket(tx, trashedBucket).Cursor(), idKey(key))
		if place == nil {
			return instance.ErrNotFound
		}
		if find(tx, key) != nil {
			return instance.ErrExists
		}
		i, err := decode(key.Kind, bucket(tx, trashBucket).Get(place))
		if err != nil {
			return err
		}
		i.Version++
		i.UpdatedAt = kept(change.At)
		if !i.IdleSince.IsZero() {
			i.IdleSince = i.UpdatedAt
		}
		if err := takeOut(tx, key, place); err != nil {
			return err
		}
		if err := put(tx, i); err != nil {
			return err
		}
		restored = i
		return r.record(tx, i, change, nil)
	})
	if err != nil {
		return instance.Instance{}, err
	}
	return restored, nil
}

// last moves c to the greatest key that consists of prefix and a number.
func last(c cursor, prefix []byte) (key, value []byte) {
	return before(c, prefix, appendNumber(bytes.Clone(prefix), ^uint64(0)))
}

// before moves c to the greatest key with the prefix that is less than bound.
func before(c cursor, prefix, bound []byte) (key, value []byte) {
	if key, _ = c.Seek(bound); key == nil {
		key, value = c.Last()
	} else {
		key, value = c.Prev()
	}
	if !bytes.HasPrefix(key, prefix) {
		return nil, nil
	}
	return key, value
}
