package bolt

import (
	"bytes"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"instances/pkg/instance"
)

// find returns the record of the instance, or nil.
func find(tx *bbolt.Tx, key instance.Key) []byte {
	sort, ok := key.SortKey()
	if !ok {
		pointer := bucket(tx, pointersBucket).Get(idKey(key))
		if pointer == nil {
			return nil
		}
		sort = string(pointer)
	}
	return bucket(tx, instancesBucket).Get(parts(key.Kind.Name, key.Collection, sort))
}

// load returns the stored instance, or [instance.ErrNotFound].
func load(tx *bbolt.Tx, key instance.Key) (instance.Instance, error) {
	record := find(tx, key)
	if record == nil {
		return instance.Instance{}, instance.ErrNotFound
	}
	return decode(key.Kind, record)
}

// put stores a new instance with its guard and index entries, and a pointer if
// its ID does not determine its sort key. Its ID must not be in use.
func put(tx *bbolt.Tx, i instance.Instance) error {
	key := instanceKey(i)
	if _, ok := i.Key().SortKey(); !ok {
		if err := bucket(tx, pointersBucket).Put(idKey(i.Key()), []byte(i.SortKey())); err != nil {
			return fmt.Errorf("put pointer: %w", err)
		}
	}
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
	if err := moveIdle(tx, instance.Instance{}, i); err != nil {
		return err
	}
	return bucket(tx, instancesBucket).Put(key, encode(i))
}

// remove deletes a stored instance with its pointer, guard and index entries.
func remove(tx *bbolt.Tx, i instance.Instance) error {
	if err := bucket(tx, pointersBucket).Delete(idKey(i.Key())); err != nil {
		return fmt.Errorf("delete pointer: %w", err)
	}
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
	if err := moveIdle(tx, i, instance.Instance{}); err != nil {
		return err
	}
	return bucket(tx, instancesBucket).Delete(instanceKey(i))
}

// exchange replaces before with after, which has the same key.
func exchange(tx *bbolt.Tx, before, after instance.Instance) error {
	// The entries stay if their texts change only in case, or not at all.
	if bytes.Equal(codeKey(before.Kind, before.Code), codeKey(after.Kind, after.Code)) &&
		bytes.Equal(groupEntry(before), groupEntry(after)) {
		return rewrite(tx, before, after)
	}
	if err := remove(tx, before); err != nil {
		return err
	}
	return put(tx, after)
}

// rewrite replaces before with after, which has the same indexed texts.
func rewrite(tx *bbolt.Tx, before, after instance.Instance) error {
	if err := moveIdle(tx, before, after); err != nil {
		return err
	}
	return bucket(tx, instancesBucket).Put(instanceKey(after), encode(after))
}

// kept returns t as it is stored: to the millisecond, in UTC.
func kept(t time.Time) time.Time { return time.UnixMilli(t.UnixMilli()).UTC() }
