package bolt

import (
	"bytes"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"instances/pkg/instance"
)

// load returns the stored instance, or [instance.ErrNotFound].
func load(tx *bbolt.Tx, key instance.Key) (instance.Instance, error) {
	value := bucket(tx, instancesBucket).Get(instanceKey(key))
	if value == nil {
		return instance.Instance{}, instance.ErrNotFound
	}
	return decode(key.Kind, value)
}

// put stores a new instance with its guard and index entries. Nothing may be
// stored under its key yet.
func put(tx *bbolt.Tx, i instance.Instance) error {
	key := instanceKey(i.Key())
	if i.Code != "" {
		codes, code := bucket(tx, codesBucket), codeKey(i.Kind, i.Code)
		if codes.Get(code) != nil {
			return instance.ErrCodeTaken
		}
		if err := codes.Put(code, key); err != nil {
			return fmt.Errorf("put guard: %w", err)
		}
	}
	if i.Group != "" {
		if err := bucket(tx, groupsBucket).Put(groupEntry(i), nil); err != nil {
			return fmt.Errorf("put group: %w", err)
		}
	}
	return bucket(tx, instancesBucket).Put(key, encode(i))
}

// remove takes away a stored instance with its guard and index entries.
func remove(tx *bbolt.Tx, i instance.Instance) error {
	if i.Code != "" {
		if err := bucket(tx, codesBucket).Delete(codeKey(i.Kind, i.Code)); err != nil {
			return fmt.Errorf("delete guard: %w", err)
		}
	}
	if i.Group != "" {
		if err := bucket(tx, groupsBucket).Delete(groupEntry(i)); err != nil {
			return fmt.Errorf("delete group: %w", err)
		}
	}
	return bucket(tx, instancesBucket).Delete(instanceKey(i.Key()))
}

// exchange stores after in place of before, an instance of the same key.
func exchange(tx *bbolt.Tx, before, after instance.Instance) error {
	// The entries stay when nothing, or only the case, of their texts changes.
	if bytes.Equal(codeKey(before.Kind, before.Code), codeKey(after.Kind, after.Code)) &&
		bytes.Equal(groupEntry(before), groupEntry(after)) {
		return bucket(tx, instancesBucket).Put(instanceKey(after.Key()), encode(after))
	}
	if err := remove(tx, before); err != nil {
		return err
	}
	return put(tx, after)
}

// kept returns t as it is stored: to the millisecond, in UTC.
func kept(t time.Time) time.Time { return time.UnixMilli(t.UnixMilli()).UTC() }
