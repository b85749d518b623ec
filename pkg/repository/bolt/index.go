package bolt

import (
	"bytes"
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

// put stores a new instance with its index entries, and a pointer if
// its ID does not determine its sort key. Its ID must not be in use.
func put(tx *bbolt.Tx, i instance.Instance) error {
	if _, ok := i.Key().SortKey(); !ok {
		if err := bucket(tx, pointersBucket).Put(idKey(i.Key()), []byte(i.SortKey())); err != nil {
			return fmt.Errorf("put pointer: %w", err)
		}
	}
	return exchange(tx, instance.Instance{}, i)
}

// remove deletes a stored instance with its pointer and index entries.
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

// reindex updates the indexes and the labels when an instance changes. The
// zero value stands for no instance.
func reindex(tx *bbolt.Tx, before, after instance.Instance) error {
	i := after
	if i.ID == "" {
		i = before
	}
	position := positionOf(i)
	for _, x := range indexes() {
		if x.text(before) == x.text(after) {
			continue
		}
		if x.bucket == codesBucket && x.has(tx, after) {
			return instance.ErrCodeTaken
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
		{codesBucket, func(i instance.Instance) string { return fold.String(i.Code) }},
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

// has reports whether some instance has the text of i, which may be empty.
func (x index) has(tx *bbolt.Tx, i instance.Instance) bool {
	prefix := x.prefix(i)
	key, _ := bucket(tx, x.bucket).Cursor().Seek(prefix)
	return x.text(i) != "" && bytes.HasPrefix(key, prefix)
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
