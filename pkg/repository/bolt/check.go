package bolt

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"go.etcd.io/bbolt"

	"instances/pkg/fold"
	"instances/pkg/instance"
)

// Report is what a check found.
type Report struct {
	// Instances, Deleted, Events, Answers and Credentials are how many of each
	// are stored. They are 0 where the pages of the file are damaged.
	Instances, Deleted, Events, Answers, Credentials int
	// Problems has what is wrong, at most so many that a person reads them.
	Problems []string
}

// Check reads everything: the pages of the file, also as bbolt checks them,
// every checksum, and then whether instances, indexes, trash, history,
// idempotency records and keys agree. kinds are all that may be stored. Others
// may read meanwhile; writes wait while pages are read, and one that outgrows
// what is mapped into memory waits for the end.
func (r *Repository) Check(ctx context.Context, kinds []instance.Kind) (Report, error) {
	return r.file.check(ctx, kinds)
}

// Check is [Repository.Check] for the file at path, which no process may have
// open and [Open] may refuse.
func Check(ctx context.Context, path string, kinds []instance.Kind, timeout time.Duration) (report Report, err error) {
	f, err := openReadOnly(path, timeout)
	if err != nil {
		if errors.Is(err, ErrDamaged) {
			return Report{Problems: []string{err.Error()}}, nil
		}
		return Report{}, err
	}
	defer func() { err = errors.Join(err, f.close()) }()
	return f.check(ctx, kinds)
}

func (f *file) check(ctx context.Context, kinds []instance.Kind) (Report, error) {
	c := &contents{kinds: map[string]instance.Kind{}, entries: map[string]int{}}
	for _, kind := range kinds {
		c.kinds[kind.Name] = kind
	}
	err := f.checkAll(ctx, c)
	if errors.Is(err, ErrDamaged) {
		c.add("%v", err)
		err = nil
	}
	if c.more {
		c.found = append(c.found, "and more")
	}
	c.report.Problems = c.found
	return c.report, err
}

func (f *file) checkAll(ctx context.Context, c *contents) error {
	found, err := f.checkPagesTwice(&c.problems)
	if err != nil || len(c.found) > 0 {
		return err
	}
	if found != layout {
		return fmt.Errorf("the file has layout %q: the next start brings it up to date, and then it can be checked", found)
	}
	return f.view(func(tx *bbolt.Tx) error { return c.check(ctx, tx) })
}

// checkPagesTwice checks the pages, here and as bbolt does, and returns the
// layout.
func (f *file) checkPagesTwice(p *problems) (found string, err error) {
	f.writing.Lock()
	defer f.writing.Unlock()
	bad, unsealed := f.checkPages(true)
	*p = bad
	if len(p.found) > 0 {
		return "", nil
	}
	err = f.view(func(tx *bbolt.Tx) (err error) {
		if found, err = layoutOf(tx); err != nil {
			return err
		}
		// It trusts the pages, so it comes after the check above.
		for problem := range tx.Check() {
			p.add("%v", problem)
		}
		return nil
	})
	if err == nil && len(p.found) == 0 && hasSeals(found) {
		*p = unsealed
	}
	return found, err
}

// contents is a check of whether what is stored agrees.
type contents struct {
	problems
	report Report
	kinds  map[string]instance.Kind
	tx     *bbolt.Tx
	// entries counts the entries that each index should have.
	entries map[string]int
}

// check reads every bucket. Problems are collected; an error means that the
// context has ended.
func (c *contents) check(ctx context.Context, tx *bbolt.Tx) error {
	c.tx = tx
	for _, step := range []struct {
		bucket string
		check  func(key, value []byte)
	}{
		{instancesBucket, c.instance},
		{trashBucket, c.deleted},
		{historyBucket, c.event},
		{idempotencyBucket, c.answer},
		{expiriesBucket, c.expiry},
		{credentialsBucket, c.credential},
		{namesBucket, c.name},
	} {
		if err := bucket(tx, step.bucket).forEach(func(key, value []byte) error {
			step.check(key, value)
			return ctx.Err()
		}); err != nil {
			return err
		}
	}
	// Every entry that should be there is, so that others are too many.
	for _, name := range []string{
		pointersBucket, codesBucket, groupsBucket, subGroupsBucket, statusesBucket, labelsBucket, idleBucket, trashedBucket,
		endingsBucket,
	} {
		n := 0
		if err := bucket(tx, name).forEach(func(_, value []byte) error {
			if name == labelsBucket {
				n += len(readLabels(value))
			} else {
				n++
			}
			return ctx.Err()
		}); err != nil {
			return err
		}
		if want := c.entries[name]; n > want {
			c.add("%s has %d entries that lead nowhere", name, n-want)
		}
	}
	return nil
}

// entry checks that an index has an entry with a value.
func (c *contents) entry(of any, index string, key, value []byte) {
	c.entries[index]++
	switch found := bucket(c.tx, index).Get(key); {
	case found == nil:
		c.add("%v has no entry in %s", of, index)
	case !bytes.Equal(found, value):
		c.add("%v: its entry in %s leads elsewhere", of, index)
	}
}

// kind returns the kind that a key starts with.
func (c *contents) kind(where string, key []byte) (instance.Kind, bool) {
	name, _ := cutPart(key)
	kind, ok := c.kinds[name]
	if !ok {
		c.add("%s has something of the unknown kind %q", where, name)
	}
	return kind, ok
}

func (c *contents) instance(key, value []byte) {
	c.report.Instances++
	kind, ok := c.kind(instancesBucket, key)
	if !ok {
		return
	}
	i, err := decode(kind, value)
	if err != nil {
		c.add("an instance of %v: %v", kind, err)
		return
	}
	if !bytes.Equal(instanceKey(i), key) {
		c.add("%v is stored in the place of another instance", i.Key())
	}
	rest := value[1:]
	for _, text := range []string{i.Group, i.SubGroup, i.Name} {
		var folded []byte
		if folded, rest = cutText(rest); string(folded) != fold.String(text) {
			c.add("%v is not found by what it is called", i.Key())
		}
	}
	if _, ok := i.Key().SortKey(); !ok {
		c.entry(i.Key(), pointersBucket, idKey(i.Key()), []byte(i.SortKey()))
	}
	for _, x := range indexes() {
		if entry := x.entry(i, positionOf(i)); entry != nil {
			c.entry(i.Key(), x.bucket, entry, nil)
		}
	}
	if label := fold.String(i.Name); label != "" {
		c.entries[labelsBucket]++
		if string(labelAt(c.tx, kind, positionOf(i))) != label {
			c.add("%v is not found by its name", i.Key())
		}
	}
	if entry := idleEntry(i); entry != nil {
		c.entry(i.Key(), idleBucket, entry, nil)
	}
	if n, err := strconv.ParseInt(i.ID, 10, 64); kind.Order == instance.OrderNumber && (err != nil || n > stored(c.tx, kind)) {
		c.add("%v: its number may be given out again", i.Key())
	}
}

func (c *contents) deleted(key, value []byte) {
	c.report.Deleted++
	kind, ok := c.kind(trashBucket, key)
	if !ok {
		return
	}
	i, err := decode(kind, value)
	if err != nil {
		c.add("a deleted instance of %v: %v", kind, err)
		return
	}
	_, rest := cutPart(key)
	if len(rest) < 2*numberSize {
		c.add("deleted %v has no time of deletion", i.Key())
		return
	}
	at, _ := cutTime(rest)
	number := key[len(key)-numberSize:]
	if !bytes.Equal(append(trashPrefix(i, at), number...), key) {
		c.add("deleted %v is stored in the place of another instance", i.Key())
	}
	c.entry("deleted "+i.Key().String(), trashedBucket, append(idKey(i.Key()), number...), key)
	c.sequence(trashBucket, number)
}

// sequence checks that a number will not be given out again.
func (c *contents) sequence(name string, number []byte) {
	if n, _ := cutNumber(number); n > bucket(c.tx, name).b.Sequence() {
		c.add("%s: the number %d may be given out again", name, n)
	}
}

func (c *contents) event(key, value []byte) {
	c.report.Events++
	kind, ok := c.kind(historyBucket, key)
	if !ok {
		return
	}
	_, rest := cutPart(key)
	collection, rest := cutPart(rest)
	id, rest := cutPart(rest)
	of := instance.Key{Kind: kind, Collection: collection, ID: id}
	var e eventRecord
	if err := json.Unmarshal(value, &e); err != nil || len(rest) != numberSize {
		c.add("%v: a record in its history cannot be read", of)
		return
	}
	c.sequence(historyBucket, rest)
	if e.Expires != 0 {
		c.expires(of, time.UnixMilli(e.Expires), eventMark, key)
	}
	if i, err := load(c.tx, of); err == nil && i.Incarnation == e.Incarnation && i.Version < e.Version {
		c.add("%v has version %d, and its history version %d", of, i.Version, e.Version)
	}
}

func (c *contents) answer(key, value []byte) {
	c.report.Answers++
	var a answerRecord
	if err := json.Unmarshal(value, &a); err != nil {
		c.add("an idempotency record cannot be read: %v", err)
		return
	}
	c.expires("an idempotency record", time.Unix(a.Expires, 0), answerMark, key)
}

// expires checks that the record with the key is in the index of expiries.
func (c *contents) expires(of any, at time.Time, mark byte, key []byte) {
	c.entry(of, expiriesBucket, expiryEntry(at, mark, key), nil)
}

func (c *contents) expiry(key, _ []byte) {
	if len(key) <= numberSize || key[numberSize] != answerMark && key[numberSize] != eventMark {
		c.add("%s has an entry that cannot be read", expiriesBucket)
	}
}

func (c *contents) credential(hash, value []byte) {
	c.report.Credentials++
	k, err := decodeCredential(hash, value)
	if err != nil {
		c.add("a key cannot be read: %v", err)
		return
	}
	c.entry("key "+k.Name, ownersBucket, parts(k.Name), []byte(k.Owner))
	if entry := ending(k); entry != nil {
		c.entry("key "+k.Name, endingsBucket, entry, nil)
	}
}

func (c *contents) name(key, hash []byte) {
	name, _ := cutPart(key)
	if k, err := credential(c.tx, hash); err != nil || k.Name != name {
		c.add("the name %q leads to no key of that name", name)
	}
}
