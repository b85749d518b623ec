package repositorytest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"instances/pkg/fold"
	"instances/pkg/instance"
)

// testModel runs random creates, replaces, deletes, restores, purges and
// touches on the repository and on a model, some with idempotency keys, and
// compares every result, and at the end what is stored, a history, the trash and
// what is idle.
func testModel(t *testing.T, open Opener, histories int64) {
	f := start(t, open)
	ctx := t.Context()
	var runs atomic.Int64
	rapid.Check(t, func(t *rapid.T) {
		if runs.Load() == histories {
			return
		}
		// A kind of its own gives each run an empty registry.
		kind := instance.Kind{
			Name:       letters(runs.Add(1)),
			Order:      rapid.SampledFrom([]instance.Order{instance.OrderID, instance.OrderTime}).Draw(t, "order"),
			NameSearch: true,
		}
		m := &model{kind: kind, stored: map[instance.Key]instance.Instance{}, answers: map[string]kept{}}
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
	// trash holds the deleted ones in order of deletion, and emptied those
	// that left it.
	trash, emptied []instance.Deleted
	// history holds the events in order.
	history []instance.Event
	// answers holds what is recorded, by idempotency keys.
	answers map[string]kept
}

// kept is a recorded answer.
type kept struct {
	answer  string
	expires time.Time
}

// The values that steps and queries draw from: few, so that they meet.
func modelCodes() []string       { return []string{"", "one", "ONE", "Zwölf", "ZWO\u0308LF"} }
func modelGroups() []string      { return []string{"", "red", "Red", "blue"} }
func modelSubGroups() []string   { return []string{"", "x", "X"} }
func modelNames() []string       { return []string{"", "Abc", "cab", "ÄB"} }
func modelStatuses() []string    { return []string{"", "up", "Up"} }
func modelCollections() []string { return []string{"left", "right"} }

// idling is what a write says about since when the instance is idle: keep what
// there is, or a time that is so many hours before that of the write, or none.
type idling struct {
	keep  bool
	never bool
	hours int
}

func modelIdle() []idling {
	return []idling{{keep: true}, {keep: true}, {never: true}, {hours: 0}, {hours: 1}, {hours: 20}, {hours: 50}}
}

// since returns the time, given that of the write and what there is.
func (i idling) since(at, stored time.Time) time.Time {
	switch {
	case i.keep:
		return stored
	case i.never:
		return time.Time{}
	default:
		return at.Add(-time.Duration(i.hours) * time.Hour)
	}
}

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
	operation := rapid.SampledFrom([]string{
		"create", "create", "create", "replace", "replace", "delete", "delete", "restore", "purge", "touch",
	}).Draw(t, "operation")
	change := f.change(operation)
	if operation == "create" || operation == "replace" {
		i.Code = rapid.SampledFrom(modelCodes()).Draw(t, "code")
		i.Group = rapid.SampledFrom(modelGroups()).Draw(t, "group")
		i.SubGroup = rapid.SampledFrom(modelSubGroups()).Draw(t, "subgroup")
		i.Name = rapid.SampledFrom(modelNames()).Draw(t, "name")
		i.Status = rapid.SampledFrom(modelStatuses()).Draw(t, "status")
	}
	idle := rapid.SampledFrom(modelIdle()).Draw(t, "idle")
	record := m.drawRecord(t, operation, f.clock.Now())
	var got, want error
	switch operation {
	case "create":
		i = f.fresh(i)
		i.IdleSince = idle.since(change.At, time.Time{})
		got, want = f.Create(ctx, i, change, record), m.once(record, change.At, i, func() error { return m.create(i, change) })
	case "replace":
		_, got = f.Update(ctx, i.Key(), change, record, func(before instance.Instance) (instance.Instance, error) {
			before.Code, before.Group, before.SubGroup = i.Code, i.Group, i.SubGroup
			before.Name, before.Status = i.Name, i.Status
			before.IdleSince = idle.since(change.At, before.IdleSince)
			return before, nil
		})
		want = m.once(record, change.At, i, func() error { return m.replace(i, idle, change) })
	case "delete":
		got = f.Delete(ctx, i.Key(), change, record, nil)
		want = m.once(record, change.At, m.stored[i.Key()], func() error { return m.remove(i.Key(), change) })
	case "purge":
		d, ok := m.drawDeleted(t, i)
		if !ok {
			return
		}
		got, want = f.Purge(ctx, d, change), m.purge(d, change)
	case "restore":
		_, got = f.Restore(ctx, i.Key(), change)
		want = m.restore(i.Key(), change)
	case "touch":
		at := change.At.Add(time.Duration(rapid.IntRange(-5, 5).Draw(t, "seconds")) * time.Second)
		if rapid.Bool().Draw(t, "a day on") {
			at = at.Add(24 * time.Hour)
		}
		got, want = f.Touch(ctx, i.Key(), at), m.touch(i.Key(), at, f.clock.Now())
	}
	if repeated, ok := errors.AsType[*instance.RepeatedError](got); ok {
		got = errors.New(string(repeated.Answer))
		if want != nil && got.Error() == want.Error() {
			return
		}
	}
	if !errors.Is(got, want) {
		t.Fatalf("%s of %s %q: %v, want %v", operation, i.Collection, i.ID, got, want)
	}
}

// drawRecord returns a record for the operation, of few keys and a short life, or
// nil.
func (m *model) drawRecord(t *rapid.T, operation string, now time.Time) *instance.Idempotency {
	key := rapid.SampledFrom([]string{"", "", "", "k", "l"}).Draw(t, "idempotency key")
	if key == "" || !slices.Contains([]string{"create", "replace", "delete"}, operation) {
		return nil
	}
	return &instance.Idempotency{
		Owner: m.kind.Name, Route: "r", Key: key, Answer: answerOf, ExpiresAt: now.Add(4 * time.Second).Truncate(time.Second),
	}
}

// answerOf is the answer of a write that stores i, or deletes it.
func answerOf(i instance.Instance) ([]byte, error) {
	return fmt.Append(nil, "answer ", i.Key(), i.Revision(), i.Name, i.Status), nil
}

// once does a write of i unless the key of record was used: then its error has the
// text of the answer.
func (m *model) once(record *instance.Idempotency, now time.Time, i instance.Instance, write func() error) error {
	if record == nil {
		return write()
	}
	if old, ok := m.answers[record.Key]; ok && now.Before(old.expires) {
		return errors.New(old.answer)
	}
	err := write()
	if err == nil {
		if after, ok := m.stored[i.Key()]; ok {
			i = after
		}
		answer, _ := answerOf(i)
		m.answers[record.Key] = kept{string(answer), record.ExpiresAt}
	}
	return err
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

func (m *model) replace(i instance.Instance, idle idling, change instance.Change) error {
	before, exists := m.stored[i.Key()]
	if !exists {
		return instance.ErrNotFound
	}
	after := before
	after.Code, after.Group, after.SubGroup = i.Code, i.Group, i.SubGroup
	after.Name, after.Status = i.Name, i.Status
	after.IdleSince = idle.since(change.At, before.IdleSince)
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
	m.trash = append(m.trash, instance.Deleted{Instance: i, DeletedAt: change.At})
	m.record(i, change, nil)
	return nil
}

// drawDeleted returns something to purge: what is in the trash, or what was.
func (m *model) drawDeleted(t *rapid.T, i instance.Instance) (instance.Deleted, bool) {
	from := slices.Concat(m.trash, m.emptied)
	for _, stored := range m.stored {
		if stored.Key() == i.Key() {
			from = append(from, instance.Deleted{Instance: stored, DeletedAt: stored.UpdatedAt})
		}
	}
	if len(from) == 0 {
		return instance.Deleted{}, false
	}
	return rapid.SampledFrom(from).Draw(t, "purged"), true
}

func (m *model) purge(d instance.Deleted, change instance.Change) error {
	n := slices.IndexFunc(m.trash, func(other instance.Deleted) bool { return reflect.DeepEqual(other, d) })
	if n < 0 {
		return instance.ErrNotFound
	}
	m.trash = slices.Delete(m.trash, n, n+1)
	m.emptied = append(m.emptied, d)
	m.record(d.Instance, change, nil)
	return nil
}

func (m *model) restore(at instance.Key, change instance.Change) error {
	for n := len(m.trash) - 1; n >= 0; n-- {
		i := m.trash[n].Instance
		if i.Key() != at {
			continue
		}
		if _, exists := m.stored[at]; exists {
			return instance.ErrExists
		}
		if m.codeTaken(i) {
			return instance.ErrCodeTaken
		}
		m.emptied = append(m.emptied, m.trash[n])
		m.trash = slices.Delete(m.trash, n, n+1)
		i.Version++
		i.UpdatedAt = change.At
		if !i.IdleSince.IsZero() {
			i.IdleSince = change.At
		}
		m.stored[at] = i
		m.record(i, change, nil)
		return nil
	}
	return instance.ErrNotFound
}

// touch notes that an instance was seen. A time that is later than both that
// and now is of a clock that was ahead, and gives way.
func (m *model) touch(at instance.Key, seen, now time.Time) error {
	i, exists := m.stored[at]
	if !exists {
		return instance.ErrNotFound
	}
	for _, t := range []*time.Time{&i.LastSeenAt, &i.IdleSince} {
		if seen.After(*t) || t.After(seen) && t.After(now) {
			*t = seen
		}
	}
	m.stored[at] = i
	return nil
}

// compare asks both sides for everything.
func (m *model) compare(ctx context.Context, t *rapid.T, f *fixture) {
	stored := map[instance.Key]instance.Instance{}
	for i, err := range f.Search(ctx, instance.Query{Kind: m.kind, Collections: modelCollections()}) {
		if err != nil {
			t.Fatal(err)
		}
		stored[i.Key()] = i
	}
	if !reflect.DeepEqual(stored, m.stored) {
		t.Fatalf("stored are\n%+v, want\n%+v", stored, m.stored)
	}
	m.compareDue(ctx, t, f)
	if len(m.history) == 0 {
		return
	}
	// The history of the instance that was written last.
	key := m.history[len(m.history)-1].Key
	var want, got []instance.Event
	for _, e := range slices.Backward(m.history) {
		if e.Key == key {
			want = append(want, e)
		}
	}
	for e, err := range f.History(ctx, instance.HistoryQuery{Key: key}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
	}
	if got, want := outline(got), outline(want); !slices.Equal(got, want) {
		t.Fatalf("history of %v is\n%q, want\n%q", key, got, want)
	}
}

// outline tells a history, newest first, in one line for each event. A purge
// stands with the incarnation that it removed, as it may in a history.
func outline(events []instance.Event) []string {
	purges := map[string]instance.Event{}
	for _, e := range events {
		if e.Operation == "purge" {
			purges[e.Incarnation] = e
		}
	}
	var lines []string
	add := func(e instance.Event) {
		lines = append(lines, fmt.Sprint(e.RequestID, e.Operation, e.Version, e.Incarnation, len(e.Fields)))
	}
	for _, e := range events {
		if e.Operation == "purge" {
			continue
		}
		if purge, ok := purges[e.Incarnation]; ok {
			add(purge)
			delete(purges, e.Incarnation)
		}
		add(e)
	}
	return lines
}

// compareDue asks both sides for the trash and for what is idle.
func (m *model) compareDue(ctx context.Context, t *rapid.T, f *fixture) {
	deletedBefore := time.Time{}
	if len(m.trash) > 0 && rapid.Bool().Draw(t, "trash before") {
		deletedBefore = rapid.SampledFrom(m.trash).Draw(t, "before").DeletedAt
	}
	var got, want []instance.Deleted
	for d, err := range f.Deleted(ctx, m.kind, deletedBefore) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, d)
	}
	for _, d := range m.trash {
		if deletedBefore.IsZero() || d.DeletedAt.Before(deletedBefore) {
			want = append(want, d)
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("deleted before %v are\n%+v, want\n%+v", deletedBefore, got, want)
	}

	before := f.clock.Now().Add(-time.Duration(rapid.SampledFrom([]int{-30, 0, 1, 24, 60}).Draw(t, "hours")) * time.Hour)
	idle, wantIdle := map[instance.Key]instance.Instance{}, map[instance.Key]instance.Instance{}
	for i, err := range f.Idle(ctx, m.kind, before) {
		if err != nil {
			t.Fatal(err)
		}
		if _, twice := idle[i.Key()]; twice {
			t.Fatalf("%v is idle twice", i.Key())
		}
		idle[i.Key()] = i
	}
	for key, i := range m.stored {
		if !i.IdleSince.IsZero() && i.IdleSince.Before(before) {
			wantIdle[key] = i
		}
	}
	if !reflect.DeepEqual(idle, wantIdle) {
		t.Fatalf("idle before %v are\n%+v, want\n%+v", before, idle, wantIdle)
	}
}
