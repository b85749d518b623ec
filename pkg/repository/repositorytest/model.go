package repositorytest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"instances/pkg/fold"
	"instances/pkg/instance"
)

// testModel runs random creates, replaces, deletes, restores and touches on
// the repository and on a model, and compares every result, and at the end
// every search and history.
func testModel(t *testing.T, open Opener) {
	f := start(t, open)
	ctx := t.Context()
	var runs atomic.Int64
	rapid.Check(t, func(t *rapid.T) {
		// A kind of its own gives each run an empty registry.
		kind := instance.Kind{
			Name:  letters(runs.Add(1)),
			Order: rapid.SampledFrom([]instance.Order{instance.OrderID, instance.OrderTime}).Draw(t, "order"),
		}
		m := &model{kind: kind, stored: map[instance.Key]instance.Instance{}}
		for range rapid.IntRange(1, 10).Draw(t, "steps") {
			m.step(ctx, t, f)
		}
		m.compare(ctx, t, f)
	})
}

// letters spells n with lower-case letters.
func letters(n int64) string {
	name := []byte("model")
	for ; n > 0; n /= 26 {
		name = append(name, byte('a'+n%26))
	}
	return string(name)
}

// model is a registry of one kind in memory.
type model struct {
	kind   instance.Kind
	stored map[instance.Key]instance.Instance
	// trash holds the deleted ones in order of deletion.
	trash []instance.Instance
	// history holds the events in order.
	history []instance.Event
}

// The values that steps and queries draw from: few, so that they meet.
func modelCodes() []string       { return []string{"", "one", "ONE", "Zwölf", "ZWO\u0308LF"} }
func modelGroups() []string      { return []string{"", "red", "Red", "blue"} }
func modelSubGroups() []string   { return []string{"", "x", "X"} }
func modelNames() []string       { return []string{"", "Abc", "cab", "ÄB"} }
func modelStatuses() []string    { return []string{"", "up", "Up"} }
func modelCollections() []string { return []string{"left", "right"} }

// modelIDs returns two ids that tell no time, and two that do.
func modelIDs() []string {
	return []string{"1", "10", "019b7c1d-0000-7000-8000-000000000000", "019b7c1d-0001-7000-8000-000000000000"}
}

// step draws one write, does it on both sides and compares the results.
func (m *model) step(ctx context.Context, t *rapid.T, f *fixture) {
	i := instance.Instance{
		Kind:       m.kind,
		Collection: rapid.SampledFrom(modelCollections()).Draw(t, "collection"),
		ID:         rapid.SampledFrom(modelIDs()).Draw(t, "id"),
	}
	operation := rapid.SampledFrom([]string{"create", "create", "create", "replace", "delete", "restore", "touch"}).Draw(t, "operation")
	if operation == "create" || operation == "replace" {
		i.Code = rapid.SampledFrom(modelCodes()).Draw(t, "code")
		i.Group = rapid.SampledFrom(modelGroups()).Draw(t, "group")
		i.SubGroup = rapid.SampledFrom(modelSubGroups()).Draw(t, "subgroup")
		i.Name = rapid.SampledFrom(modelNames()).Draw(t, "name")
		i.Status = rapid.SampledFrom(modelStatuses()).Draw(t, "status")
	}
	change := f.change(operation)
	var got, want error
	switch operation {
	case "create":
		i = f.fresh(i)
		got, want = f.Create(ctx, i, change, nil), m.create(i, change)
	case "replace":
		_, got = f.Update(ctx, i.Key(), change, func(before instance.Instance) (instance.Instance, error) {
			before.Code, before.Group, before.SubGroup = i.Code, i.Group, i.SubGroup
			before.Name, before.Status = i.Name, i.Status
			return before, nil
		})
		want = m.replace(i, change)
	case "delete":
		got, want = f.Delete(ctx, i.Key(), change, nil), m.remove(i.Key(), change)
	case "restore":
		_, got = f.Restore(ctx, i.Key(), change)
		want = m.restore(i.Key(), change)
	case "touch":
		at := change.At.Add(time.Duration(rapid.IntRange(-5, 5).Draw(t, "seconds")) * time.Second)
		got, want = f.Touch(ctx, i.Key(), at), m.touch(i.Key(), at)
	}
	if !errors.Is(got, want) {
		t.Fatalf("%s of %s %q: %v, want %v", operation, i.Collection, i.ID, got, want)
	}
}

// codeTaken reports whether an instance other than i has its code.
func (m *model) codeTaken(i instance.Instance) bool {
	for at, other := range m.stored {
		if at != i.Key() && i.Code != "" && fold.String(other.Code) == fold.String(i.Code) {
			return true
		}
	}
	return false
}

// record adds an event.
func (m *model) record(i instance.Instance, change instance.Change, fields []instance.FieldChange) {
	m.history = append(m.history, instance.Event{
		Key: i.Key(), Change: change, Incarnation: i.Incarnation, Version: i.Version, Fields: fields,
	})
}

func (m *model) create(i instance.Instance, change instance.Change) error {
	if _, exists := m.stored[i.Key()]; exists {
		return instance.ErrExists
	}
	if m.codeTaken(i) {
		return instance.ErrCodeTaken
	}
	m.stored[i.Key()] = i
	m.record(i, change, instance.Diff(instance.Instance{}, i))
	return nil
}

func (m *model) replace(i instance.Instance, change instance.Change) error {
	before, exists := m.stored[i.Key()]
	if !exists {
		return instance.ErrNotFound
	}
	after := before
	after.Code, after.Group, after.SubGroup = i.Code, i.Group, i.SubGroup
	after.Name, after.Status = i.Name, i.Status
	if reflect.DeepEqual(before, after) {
		return nil
	}
	if m.codeTaken(after) {
		return instance.ErrCodeTaken
	}
	after.Version++
	after.UpdatedAt = change.At
	m.stored[i.Key()] = after
	m.record(after, change, instance.Diff(before, after))
	return nil
}

func (m *model) remove(at instance.Key, change instance.Change) error {
	i, exists := m.stored[at]
	if !exists {
		return instance.ErrNotFound
	}
	delete(m.stored, at)
	m.trash = append(m.trash, i)
	m.record(i, change, nil)
	return nil
}

func (m *model) restore(at instance.Key, change instance.Change) error {
	for n := len(m.trash) - 1; n >= 0; n-- {
		i := m.trash[n]
		if i.Key() != at {
			continue
		}
		if _, exists := m.stored[at]; exists {
			return instance.ErrExists
		}
		if m.codeTaken(i) {
			return instance.ErrCodeTaken
		}
		m.trash = slices.Delete(m.trash, n, n+1)
		i.Version++
		i.UpdatedAt = change.At
		m.stored[at] = i
		m.record(i, change, nil)
		return nil
	}
	return instance.ErrNotFound
}

func (m *model) touch(at instance.Key, seen time.Time) error {
	i, exists := m.stored[at]
	if !exists {
		return instance.ErrNotFound
	}
	if seen.After(i.LastSeenAt) {
		i.LastSeenAt = seen
		m.stored[at] = i
	}
	return nil
}

// search returns what q finds, written out in the plainest way.
func (m *model) search(q instance.Query) []instance.Instance {
	var found []instance.Instance
	equal := func(have, asked string) bool { return asked == "" || fold.String(have) == fold.String(asked) }
	for _, i := range m.stored {
		if (q.Status == "" || i.Status == q.Status) &&
			equal(i.Code, q.Code) && equal(i.Group, q.Group) && equal(i.SubGroup, q.SubGroup) &&
			strings.Contains(fold.String(i.Name), fold.String(q.Name)) {
			found = append(found, i)
		}
	}
	slices.SortFunc(found, func(a, b instance.Instance) int {
		return cmp.Or(cmp.Compare(a.Collection, b.Collection), cmp.Compare(a.SortKey(), b.SortKey()))
	})
	return found
}

// compare asks both sides for everything, and for one random query.
func (m *model) compare(ctx context.Context, t *rapid.T, f *fixture) {
	for _, q := range []instance.Query{
		{},
		{
			Code:     rapid.SampledFrom(modelCodes()).Draw(t, "asked code"),
			Group:    rapid.SampledFrom(modelGroups()).Draw(t, "asked group"),
			SubGroup: rapid.SampledFrom(modelSubGroups()).Draw(t, "asked subgroup"),
			Name:     rapid.SampledFrom([]string{"", "A", "ab", "äB"}).Draw(t, "asked name"),
			Status:   rapid.SampledFrom([]string{"", "up", "Up", "UP"}).Draw(t, "asked status"),
		},
	} {
		q.Kind, q.Collections = m.kind, modelCollections()
		var got []instance.Instance
		for i, err := range f.Search(ctx, q) {
			if err != nil {
				t.Fatalf("%+v: %v", q, err)
			}
			got = append(got, i)
		}
		if want := m.search(q); !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v finds\n%+v, want\n%+v", q, got, want)
		}
	}
	if len(m.history) == 0 {
		return
	}
	// The history of the instance that was written last.
	key := m.history[len(m.history)-1].Key
	var want, got []string
	for _, e := range slices.Backward(m.history) {
		if e.Key == key {
			want = append(want, fmt.Sprint(e.RequestID, e.Operation, e.Version, e.Incarnation, len(e.Fields)))
		}
	}
	for e, err := range f.History(ctx, key, 0) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(e.RequestID, e.Operation, e.Version, e.Incarnation, len(e.Fields)))
	}
	if !slices.Equal(got, want) {
		t.Fatalf("history of %v is\n%q, want\n%q", key, got, want)
	}
}
