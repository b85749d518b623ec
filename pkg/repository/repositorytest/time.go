package repositorytest

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"instances/pkg/instance"
)

// timeKind is the kind of the tests that is sorted by time.
func timeKind() instance.Kind {
	return instance.Kind{Name: "timed", Order: instance.OrderTime}
}

// timed returns a place in timeKind.
func timed(collection, id string) instance.Instance {
	return instance.Instance{Kind: timeKind(), Collection: collection, ID: id}
}

// timeIDs returns an ID that tells its time, and some that do not.
func timeIDs() map[string]string {
	return map[string]string{
		"version 7": instance.NewTimeID(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)),
		"version 4": "8b3dd1c5-5f5a-4ad4-a3b1-2c9e5d2f7a10",
		"text":      "imported #1/é",
	}
}

// testTime covers kinds that are sorted by time. [Searches] covers their order.
func testTime(t *testing.T, open Opener) {
	for name, id := range timeIDs() {
		t.Run("life of "+name, func(t *testing.T) { t.Parallel(); timeLife(t, open, id) })
		t.Run("parallel creates of "+name, func(t *testing.T) { t.Parallel(); timeOneWinner(t, open, id) })
		t.Run("later incarnation of "+name, func(t *testing.T) { t.Parallel(); timeIncarnation(t, open, id) })
	}

	t.Run("not found", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		for _, id := range timeIDs() {
			f.create(t, timed("a", id))
			for _, key := range []instance.Key{
				timed("b", id).Key(),
				timed("a", id+"x").Key(),
				{Kind: instance.Kind{Name: "other", Order: instance.OrderTime}, Collection: "a", ID: id},
			} {
				_, err := f.Get(t.Context(), key)
				wantError(t, err, instance.ErrNotFound)
				wantError(t, f.Delete(t.Context(), key, f.change("delete"), nil, nil), instance.ErrNotFound)
				wantError(t, f.Touch(t.Context(), key, f.clock.Now()), instance.ErrNotFound)
				_, err = f.Restore(t.Context(), key, f.change("restore"))
				wantError(t, err, instance.ErrNotFound)
			}
		}
	})

	t.Run("no id", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		for _, i := range []instance.Instance{timed("c", ""), named("c", ""), numbered(1, instance.Instance{})} {
			if i.Kind.Order == instance.OrderNumber {
				i.ID = "01"
			}
			if err := f.Create(t.Context(), f.fresh(i), f.change("create"), nil); err == nil {
				t.Errorf("%q is created as a %s", i.ID, i.Kind)
			}
			_, err := f.Get(t.Context(), i.Key())
			wantError(t, err, instance.ErrNotFound)
			if n := len(f.history(t, i.Key())); n != 0 {
				t.Errorf("%d events of nothing", n)
			}
		}
	})
}

// timeLife takes one ID through its whole life.
func timeLife(t *testing.T, open Opener, id string) {
	f := start(t, open)
	other := f.create(t, timed("c", id+"0"))
	i := timed("c", id)
	i.Code, i.Group, i.Name, i.Attributes = "code", "g", "n", json.RawMessage(`{"a":1}`)
	i = f.create(t, i)
	wantInstance(t, f.get(t, i.Key()), i)
	wantError(t, f.Create(t.Context(), f.fresh(timed("c", id)), f.change("create"), nil), instance.ErrExists)
	f.create(t, timed("d", id))

	want := f.replace(t, i.Key(), func(i *instance.Instance) { i.Name, i.Code = "new", "new" })
	wantInstance(t, f.get(t, i.Key()), want)
	_, err := f.Replace(t.Context(), i, i, f.change("replace"), nil)
	wantError(t, err, instance.ErrConflict)
	want, err = f.Update(t.Context(), i.Key(), f.change("patch"), nil, func(i instance.Instance) (instance.Instance, error) {
		i.Status = "up"
		return i, nil
	})
	if err != nil || want.Version != 3 {
		t.Fatalf("update: version %d, %v", want.Version, err)
	}
	want.LastSeenAt = f.clock.advance(time.Hour)
	want.IdleSince = want.LastSeenAt
	if err := f.Touch(t.Context(), i.Key(), want.LastSeenAt); err != nil {
		t.Fatal(err)
	}
	wantInstance(t, f.get(t, i.Key()), want)

	f.remove(t, i.Key())
	_, err = f.Get(t.Context(), i.Key())
	wantError(t, err, instance.ErrNotFound)
	_, err = f.Replace(t.Context(), want, want, f.change("replace"), nil)
	wantError(t, err, instance.ErrNotFound)
	wantError(t, f.Delete(t.Context(), i.Key(), f.change("delete"), nil, nil), instance.ErrNotFound)
	list := instance.Query{Kind: timeKind(), Collections: []string{"c"}}
	if got := f.ids(t, list); fmt.Sprint(got) != fmt.Sprint([]string{other.ID}) {
		t.Errorf("listed are %v", got)
	}

	got, err := f.Restore(t.Context(), i.Key(), f.change("restore"))
	if err != nil {
		t.Fatal(err)
	}
	want.Version, want.UpdatedAt, want.IdleSince = 4, f.clock.Now(), f.clock.Now()
	wantInstance(t, got, want)
	wantInstance(t, f.get(t, i.Key()), want)
	if found := f.search(t, list); len(found) != 2 {
		t.Errorf("%d are listed, want 2", len(found))
	}
	wantError(t, f.Create(t.Context(), f.fresh(timed("c", id)), f.change("create"), nil), instance.ErrExists)
	f.remove(t, i.Key())

	var operations []string
	for _, e := range f.history(t, i.Key()) {
		operations = append(operations, e.Operation)
	}
	if fmt.Sprint(operations) != "[delete restore delete patch replace create]" {
		t.Errorf("history is %v", operations)
	}
}

// timeOneWinner creates one ID many times at once, each with a different time.
func timeOneWinner(t *testing.T, open Opener, id string) {
	f := start(t, open)
	tries := make([]instance.Instance, 16)
	for k := range tries {
		f.clock.advance(time.Second)
		tries[k] = f.fresh(timed("c", id))
	}
	change := f.change("create")
	errs := parallel(len(tries), func(k int) error { return f.Create(t.Context(), tries[k], change, nil) })
	winner := wantOneWinner(t, errs, instance.ErrExists)
	wantInstance(t, f.get(t, tries[0].Key()), tries[winner])
	if found := f.search(t, instance.Query{Kind: timeKind(), Collections: []string{"c"}}); len(found) != 1 {
		t.Errorf("%d are listed, want 1", len(found))
	}
	if n := len(f.history(t, tries[0].Key())); n != 1 {
		t.Errorf("%d events, want 1", n)
	}
}

// timeIncarnation reuses an ID, which may then sort elsewhere.
func timeIncarnation(t *testing.T, open Opener, id string) {
	f := start(t, open)
	old := f.create(t, timed("c", id))
	f.remove(t, old.Key())
	f.clock.advance(time.Hour)
	later := f.create(t, timed("c", id))

	// The earlier one is gone.
	_, err := f.Replace(t.Context(), old, old, f.change("replace"), nil)
	wantError(t, err, instance.ErrConflict)
	_, err = f.Restore(t.Context(), old.Key(), f.change("restore"))
	wantError(t, err, instance.ErrExists)
	wantInstance(t, f.get(t, old.Key()), later)

	// An update that reads both writes the one that is there.
	tries := 0
	stored, err := f.Update(t.Context(), old.Key(), f.change("patch"), nil, func(i instance.Instance) (instance.Instance, error) {
		if tries++; tries == 1 {
			f.remove(t, old.Key())
			f.clock.advance(time.Hour)
			later = f.create(t, timed("c", id))
		}
		i.Name = "new"
		return i, nil
	})
	if err != nil || stored.Incarnation != later.Incarnation || tries != 2 {
		t.Errorf("updated is %+v, %v after %d tries", stored, err, tries)
	}

	// What was deleted last comes back, to its own time.
	f.remove(t, old.Key())
	back, err := f.Restore(t.Context(), old.Key(), f.change("restore"))
	if err != nil || !back.CreatedAt.Equal(later.CreatedAt) {
		t.Errorf("restored is %+v, %v", back, err)
	}
	wantInstance(t, f.get(t, old.Key()), back)
	if n := len(f.history(t, old.Key())); n != 8 {
		t.Errorf("%d events, want 8", n)
	}
}
