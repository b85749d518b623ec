package repositorytest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"instances/pkg/instance"
)

// deleted returns what is in the trash of the kind.
func (f *fixture) deleted(t *testing.T, kind instance.Kind) []instance.Deleted {
	t.Helper()
	return collect(t, f.Deleted(t.Context(), kind, time.Time{}))
}

// onlyDeleted returns what is in the trash of the kind, which must be one.
func (f *fixture) onlyDeleted(t *testing.T, kind instance.Kind) instance.Deleted {
	t.Helper()
	all := f.deleted(t, kind)
	if len(all) != 1 {
		t.Fatalf("%d are in the trash, want 1", len(all))
	}
	return all[0]
}

// purge purges what must be in the trash.
func (f *fixture) purge(t *testing.T, d instance.Deleted) {
	t.Helper()
	if err := f.Purge(t.Context(), d, f.change("purge")); err != nil {
		t.Fatalf("Purge(%v): %v", d.Key(), err)
	}
}

// testTrash covers the list of what was deleted.
func testTrash(t *testing.T, open Opener) {
	t.Run("as it was deleted", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		for _, place := range []instance.Instance{numbered(7, instance.Instance{}), named("c", "x"), timed("c", "x")} {
			i := place
			i.Code, i.Group, i.SubGroup, i.Name, i.Status, i.Active = "Code", "g", "s", "näme", "up", true
			i.Attributes = json.RawMessage(`{ "a":1}`)
			i.LastSeenAt, i.IdleSince = f.clock.Now().Add(-time.Hour), f.clock.Now().Add(-time.Minute)
			i = f.create(t, i)
			i = f.replace(t, i.Key(), func(i *instance.Instance) { i.Name = "new" })
			if all := f.deleted(t, i.Kind); len(all) != 0 {
				t.Fatalf("%+v is in the trash", all)
			}
			change := f.change("delete")
			change.At = change.At.Add(999_999).In(time.FixedZone("", 7200))
			if err := f.Delete(t.Context(), i.Key(), change, nil, nil); err != nil {
				t.Fatal(err)
			}
			got := f.onlyDeleted(t, i.Kind)
			wantInstance(t, got.Instance, i)
			if want := f.clock.Now(); got.DeletedAt != want {
				t.Errorf("deleted at %v, want %v", got.DeletedAt, want)
			}
			if _, err := f.Restore(t.Context(), i.Key(), f.change("restore")); err != nil {
				t.Fatal(err)
			}
			if all := f.deleted(t, i.Kind); len(all) != 0 {
				t.Fatalf("%+v is in the trash after it was restored", all)
			}
		}
	})

	t.Run("oldest first", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		var want []string
		for n := range 40 {
			i := f.create(t, named("c"+strconv.Itoa(n%3), strconv.Itoa((n*7)%40)))
			f.remove(t, i.Key())
			want = append(want, i.ID)
		}
		f.remove(t, f.create(t, timed("c", "of another kind")).Key())
		var got []string
		for _, d := range f.deleted(t, idKind()) {
			got = append(got, d.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("in the trash are\n%v, want\n%v", got, want)
		}
		for d, err := range f.Deleted(t.Context(), idKind(), time.Time{}) {
			if err != nil || d.ID != want[0] {
				t.Errorf("first is %s, %v, want %s", d.ID, err, want[0])
			}
			break
		}
	})

	t.Run("ties by id and incarnation", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		change := f.change("delete")
		for n := range 24 {
			i := f.create(t, named("c", strconv.Itoa(n%5)))
			if err := f.Delete(t.Context(), i.Key(), change, nil, nil); err != nil {
				t.Fatal(err)
			}
		}
		all := f.deleted(t, idKind())
		if len(all) != 24 || !slices.IsSortedFunc(all, func(a, b instance.Deleted) int {
			return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Incarnation, b.Incarnation))
		}) {
			t.Errorf("in the trash are %d: %+v", len(all), all)
		}
	})

	t.Run("before a time", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		const count = 20
		var times []time.Time
		for n := range count {
			f.remove(t, f.create(t, named("c", strconv.Itoa(n))).Key())
			times = append(times, f.clock.Now())
			f.clock.advance(36 * time.Hour)
		}
		for n, at := range times {
			for before, want := range map[time.Time]int{at.Add(-time.Millisecond): n, at: n, at.Add(time.Millisecond): n + 1} {
				all := collect(t, f.Deleted(t.Context(), idKind(), before))
				if len(all) != want {
					t.Fatalf("%d were deleted before %v, want %d", len(all), before, want)
				}
			}
		}
		if all := f.deleted(t, idKind()); len(all) != count {
			t.Errorf("%d are in the trash, want %d", len(all), count)
		}
	})
}

// testPurge covers purging the trash.
func testPurge(t *testing.T, open Opener) {
	t.Run("for good", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		for _, place := range []instance.Instance{numbered(1, instance.Instance{}), named("c", "x"), timed("c", "x")} {
			place.Code, place.Group = "code", "g"
			i := f.create(t, place)
			i = f.replace(t, i.Key(), func(i *instance.Instance) { i.Name = "new" })
			f.remove(t, i.Key())
			change := f.change("purge")
			change.By, change.Owner = "(cleanup)", ""
			if err := f.Purge(t.Context(), f.onlyDeleted(t, i.Kind), change); err != nil {
				t.Fatal(err)
			}
			if all := f.deleted(t, i.Kind); len(all) != 0 {
				t.Errorf("%+v is in the trash", all)
			}
			_, err := f.Restore(t.Context(), i.Key(), f.change("restore"))
			wantError(t, err, instance.ErrNotFound)
			_, err = f.Get(t.Context(), i.Key())
			wantError(t, err, instance.ErrNotFound)
			// The history outlives it.
			events := f.history(t, i.Key())
			if len(events) != 4 {
				t.Fatalf("%d events, want 4", len(events))
			}
			wantEvents(t, events[:1], []instance.Event{{
				Key: i.Key(), Change: change, Incarnation: i.Incarnation, Version: i.Version,
			}})
			// The ID and the code may be reused.
			later := f.create(t, place)
			wantInstance(t, f.get(t, i.Key()), later)
			if events := f.history(t, i.Key()); len(events) != 5 || events[0].Operation != "create" || events[1].Operation != "purge" {
				t.Errorf("history is %+v", events)
			}
		}
	})

	t.Run("what is stale stays", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		key := f.create(t, named("c", "x")).Key()
		f.remove(t, key)
		d := f.onlyDeleted(t, idKind())
		for name, alter := range map[string]func(*instance.Deleted){
			"earlier":     func(d *instance.Deleted) { d.DeletedAt = d.DeletedAt.Add(-time.Millisecond) },
			"later":       func(d *instance.Deleted) { d.DeletedAt = d.DeletedAt.Add(time.Millisecond) },
			"version":     func(d *instance.Deleted) { d.Version++ },
			"incarnation": func(d *instance.Deleted) { d.Incarnation = instance.NewIncarnation() },
			"id":          func(d *instance.Deleted) { d.ID = "xx" },
			"collection":  func(d *instance.Deleted) { d.Collection = "d" },
			"kind":        func(d *instance.Deleted) { d.Kind = timeKind() },
		} {
			other := d
			alter(&other)
			if err := f.Purge(t.Context(), other, f.change("purge")); !errors.Is(err, instance.ErrNotFound) {
				t.Errorf("another %s: %v", name, err)
			}
		}
		if got := f.onlyDeleted(t, idKind()); !got.DeletedAt.Equal(d.DeletedAt) {
			t.Errorf("%+v is in the trash", got)
		}

		// Restored, and deleted again, even at the same time.
		back, err := f.Restore(t.Context(), key, f.change("restore"))
		if err != nil {
			t.Fatal(err)
		}
		wantError(t, f.Purge(t.Context(), d, f.change("purge")), instance.ErrNotFound)
		wantInstance(t, f.get(t, key), back)
		change := f.change("delete")
		change.At = d.DeletedAt
		if err := f.Delete(t.Context(), key, change, nil, nil); err != nil {
			t.Fatal(err)
		}
		wantError(t, f.Purge(t.Context(), d, f.change("purge")), instance.ErrNotFound)
		again := f.onlyDeleted(t, idKind())
		wantInstance(t, again.Instance, back)
		if n := len(f.history(t, key)); n != 4 {
			t.Errorf("%d events, want 4", n)
		}
		f.purge(t, again)
		wantError(t, f.Purge(t.Context(), again, f.change("purge")), instance.ErrNotFound)
		if n := len(f.history(t, key)); n != 5 {
			t.Errorf("%d events, want 5", n)
		}
	})

	t.Run("one of several with the id", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		var last instance.Instance
		for n := range 3 {
			last = f.create(t, instance.Instance{Kind: timeKind(), Collection: "c", ID: "x", Code: "code", Name: strconv.Itoa(n)})
			f.remove(t, last.Key())
		}
		f.purge(t, f.deleted(t, timeKind())[1])
		// The others are as they were.
		if back, err := f.Restore(t.Context(), last.Key(), f.change("restore")); err != nil || back.Name != "2" {
			t.Fatalf("restored is %q, %v", back.Name, err)
		}
		f.remove(t, last.Key())
		f.purge(t, f.deleted(t, timeKind())[1])
		if back, err := f.Restore(t.Context(), last.Key(), f.change("restore")); err != nil || back.Name != "0" {
			t.Fatalf("restored is %q, %v", back.Name, err)
		}
	})

	t.Run("an older one of what is in use", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		for _, place := range []instance.Instance{named("c", "x"), timed("c", "x")} {
			place.Code, place.Group = "code", "g"
			key := f.create(t, place).Key()
			f.remove(t, key)
			later := f.create(t, place)
			f.purge(t, f.onlyDeleted(t, place.Kind))
			wantInstance(t, f.get(t, key), later)
			for _, q := range []instance.Query{{Code: "code"}, {Group: "g"}} {
				q.Kind = place.Kind
				if ids := f.ids(t, q); fmt.Sprint(ids) != "[x]" {
					t.Errorf("%+v finds %v", q, ids)
				}
			}
			taken := place
			taken.ID = "y"
			wantError(t, f.Create(t.Context(), f.fresh(taken), f.change("create"), nil), instance.ErrCodeTaken)
		}
	})

	t.Run("within the list", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		const count = 50
		for n := range count {
			f.remove(t, f.create(t, named("c", strconv.Itoa(n))).Key())
		}
		n := 0
		for d, err := range f.Deleted(t.Context(), idKind(), f.clock.Now()) {
			if err != nil || d.ID != strconv.Itoa(n) {
				t.Fatalf("number %d is %q, %v", n, d.ID, err)
			}
			f.purge(t, d)
			n++
		}
		// The last was deleted at exactly that time.
		if d := f.onlyDeleted(t, idKind()); n != count-1 || d.ID != strconv.Itoa(count-1) {
			t.Errorf("%d were purged, %s is left", n, d.ID)
		}
	})

	t.Run("parallel purges", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		i := f.create(t, named("c", "x"))
		f.remove(t, i.Key())
		d, change := f.onlyDeleted(t, idKind()), f.change("purge")
		wantOneWinner(t, parallel(8, func(int) error { return f.Purge(t.Context(), d, change) }), instance.ErrNotFound)
		if n := len(f.history(t, i.Key())); n != 3 {
			t.Errorf("%d events, want 3", n)
		}
	})

	// Either it comes back whole or it is gone.
	t.Run("against a restore", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		for n := range 12 {
			i := f.create(t, instance.Instance{Kind: timeKind(), Collection: "c", ID: strconv.Itoa(n), Code: strconv.Itoa(n)})
			f.remove(t, i.Key())
			d, purge, restore := f.onlyDeleted(t, timeKind()), f.change("purge"), f.change("restore")
			winner := wantOneWinner(t, parallel(2, func(k int) error {
				if k == 0 {
					return f.Purge(t.Context(), d, purge)
				}
				_, err := f.Restore(t.Context(), i.Key(), restore)
				return err
			}), instance.ErrNotFound)
			_, err := f.Get(t.Context(), i.Key())
			if winner == 0 {
				wantError(t, err, instance.ErrNotFound)
			} else if err != nil {
				t.Fatal(err)
			}
			if newest := f.history(t, i.Key())[0]; newest.Operation != []string{"purge", "restore"}[winner] {
				t.Errorf("newest event is %s", newest.Operation)
			}
			if all := f.deleted(t, timeKind()); len(all) != 0 {
				t.Errorf("%+v is in the trash", all)
			}
		}
	})

	// They do not affect each other.
	t.Run("against a new one of the id", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		for n := range 12 {
			place := instance.Instance{Kind: timeKind(), Collection: "c", ID: strconv.Itoa(n), Code: strconv.Itoa(n)}
			f.remove(t, f.create(t, place).Key())
			d, purge, create := f.onlyDeleted(t, timeKind()), f.change("purge"), f.change("create")
			later := f.fresh(place)
			if err := errors.Join(parallel(2, func(k int) error {
				if k == 0 {
					return f.Purge(t.Context(), d, purge)
				}
				return f.Create(t.Context(), later, create, nil)
			})...); err != nil {
				t.Fatal(err)
			}
			wantInstance(t, f.get(t, later.Key()), later)
			if n := len(f.history(t, later.Key())); n != 4 {
				t.Errorf("%d events, want 4", n)
			}
		}
	})
}
