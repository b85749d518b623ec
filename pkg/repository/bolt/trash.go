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

// Deleted implements [instance.TrashReader]. It reads no more than it yields.
func (r *Repository) Deleted(ctx context.Context, kind instance.Kind, before time.Time) iter.Seq2[instance.Deleted, error] {
	prefix := parts(kind.Name)
	return scan(ctx, r, "deleted of "+kind.Name, trashBucket, prefix,
		func(_ *bbolt.Tx, b *batch[instance.Deleted], key, record []byte) (more bool, err error) {
			at, _ := cutTime(key[len(prefix):])
			if !before.IsZero() && !at.Before(before) {
				return false, nil
			}
			i, err := decode(kind, record)
			if err != nil {
				return false, err
			}
			b.add(instance.Deleted{Instance: i, DeletedAt: at}, len(record))
			return true, nil
		})
}

// Purge implements [instance.Purger].
func (r *Repository) Purge(ctx context.Context, d instance.Deleted, change instance.Change) error {
	return r.write(ctx, "purge "+d.Key().String(), func(tx *bbolt.Tx) error {
		// The number at the end of its key is not known.
		prefix := trashPrefix(d.Instance, d.DeletedAt)
		cursor := bucket(tx, trashBucket).Cursor()
		for place, record := following(cursor, prefix, nil); bytes.HasPrefix(place, prefix); place, record = cursor.Next() {
			i, err := decode(d.Kind, record)
			if err != nil {
				return err
			}
			if i.Collection != d.Collection || i.Version != d.Version {
				continue
			}
			if err := takeOut(tx, i.Key(), place); err != nil {
				return err
			}
			return r.record(tx, i, change, nil)
		}
		return instance.ErrNotFound
	})
}

// trash stores a deleted instance under the time of its deletion, and in
// trashed how to find it by its key.
func trash(tx *bbolt.Tx, i instance.Instance, change instance.Change) error {
	deleted := bucket(tx, trashBucket)
	n, err := deleted.NextSequence()
	if err != nil {
		return err
	}
	place := appendNumber(trashPrefix(i, change.At), n)
	if err := deleted.Put(place, encode(i)); err != nil {
		return fmt.Errorf("put into trash: %w", err)
	}
	return bucket(tx, trashedBucket).Put(appendNumber(idKey(i.Key()), n), place)
}

// takeOut removes the instance of the key from its place in the trash.
func takeOut(tx *bbolt.Tx, key instance.Key, place []byte) error {
	// What a cursor returned may change with the next write.
	place = bytes.Clone(place)
	if err := bucket(tx, trashedBucket).Delete(append(idKey(key), place[len(place)-numberSize:]...)); err != nil {
		return fmt.Errorf("take out of trash: %w", err)
	}
	return bucket(tx, trashBucket).Delete(place)
}
