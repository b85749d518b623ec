package bolt

import (
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"instances/pkg/fold"
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
	if _, ok := i.Key().SortKey(); !ok {
		if err := bucket(tx, pointersBucket).Put(idKey(i.Key()), []byte(i.SortKey())); err != nil {
			return fmt.Errorf("put pointer: %w", err)
		}
	}
	return exchange(tx, instance.Instance{}, i)
}

// remove deletes a stored instance with its pointer, guard and index entries.
func remove(tx *bbolt.Tx, i instance.Instance) error {
	if err := bucket(tx, pointersBucket).Delete(idKey(i.Key())); err != nil {
		return fmt.Errorf("delete pointer: %w", err)
	}
	if err := reindex(tx, i, instance.Instance{}); err != nil {
		return err
	}
	if err := moveIdle(tx, i, instance.Instance{}); err != nil {
		return err
	}
	return bucket(tx, instancesBucket).Delete(instanceKey(i))
}

// exchange replaces before with after, which has the same key, in the indexes
// too. The zero value stands for no instance.
func exchange(tx *bbolt.Tx, before, after instance.Instance) error {
	if err := reindex(tx, before, after); err != nil {
		return err
	}
	return rewrite(tx, before, after)
}

// reindex updates the guard, the indexes and the labels when an instance
// changes. The zero value stands for no instance.
func reindex(tx *bbolt.Tx, before, after instance.Instance) error {
	i := after
	if i.ID == "" {
		i = before
	}
	if err := moveGuard(tx, before, after, instanceKey(i)); err != nil {
		return err
	}
	position := positionOf(i)
	for _, x := range indexes() {
		if x.text(before) == x.text(after) {
			continue
		}
		if err := moveEntry(bucket(tx, x.bucket), x.entry(before, position), x.entry(after, position)); err != nil {
			return fmt.Errorf("move entry of %s: %w", x.bucket, err)
		}
	}
	if label := fold.String(after.Name); label != fold.String(before.Name) {
		if err := setLabel(tx, i.Kind, position, label); err != nil {
			return fmt.Errorf("set label: %w", err)
		}
	}
	return nil
}

// moveGuard guards the code of after, for the instance with that key, and no
// longer that of before.
func moveGuard(tx *bbolt.Tx, before, after instance.Instance, key []byte) error {
	if fold.String(before.Code) == fold.String(after.Code) {
		return nil
	}
	codes := bucket(tx, codesBucket)
	if before.Code != "" {
		if err := codes.Delete(codeKey(before.Kind, before.Code)); err != nil {
			return fmt.Errorf("delete guard: %w", err)
		}
	}
	if after.Code == "" {
		return nil
	}
	guard := codeKey(after.Kind, after.Code)
	if codes.Get(guard) != nil {
		return instance.ErrCodeTaken
	}
	if err := codes.Put(guard, key); err != nil {
		return fmt.Errorf("put guard: %w", err)
	}
	return nil
}

// index finds the instances that have a text. An entry is the kind, the text
// and the position of the instance.
type index struct {
	bucket string
	// text returns the text of an instance, as it is compared. One that is empty
	// has no entry.
	text func(instance.Instance) string
}

func indexes() []index {
	return []index{
		{groupsBucket, func(i instance.Instance) string { return fold.String(i.Group) }},
		{subGroupsBucket, func(i instance.Instance) string { return fold.String(i.SubGroup) }},
		{statusesBucket, func(i instance.Instance) string { return i.Status }},
	}
}

// prefix is what the entries of the instances start with that have the text of
// i.
func (x index) prefix(i instance.Instance) []byte { return parts(i.Kind.Name, indexText(x.text(i))) }

// entry returns the entry of the instance at the position, or nil.
func (x index) entry(i instance.Instance, position []byte) []byte {
	if x.text(i) == "" {
		return nil
	}
	return append(x.prefix(i), position...)
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
