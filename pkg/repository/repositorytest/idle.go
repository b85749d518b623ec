package repositorytest

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"instances/pkg/instance"
)

// idle returns the ids of what has been idle since before the given time,
// sorted.
func (f *fixture) idle(t *testing.T, kind instance.Kind, before time.Time) []string {
	t.Helper()
	ids := []string{}
	for _, i := range collect(t, f.Idle(t.Context(), kind, before)) {
		wantInstance(t, i, f.get(t, i.Key()))
		ids = append(ids, i.ID)
	}
	slices.Sort(ids)
	return ids
}

// wantIdle fails the test unless just the given ids have been idle since
// before that time.
func (f *fixture) wantIdle(t *testing.T, kind instance.Kind, before time.Time, want ...string) {
	t.Helper()
	if got := f.idle(t, kind, before); !slices.Equal(got, want) {
		t.Fatalf("idle before %v are %v, want %v", before, got, want)
	}
}

// testIdle covers IdleSince and its index.
func testIdle(t *testing.T, open Opener) {
	midnight := time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)
	moments := map[string]time.Time{
		"0 never":     {},
		"1 long ago":  time.Date(1969, 7, 20, 20, 17, 40, 0, time.UTC),
		"2 day ago":   midnight.Add(-24 * time.Hour),
		"3 just ago":  midnight.Add(-time.Millisecond),
		"4 midnight":  midnight,
		"5 just then": midnight.Add(time.Millisecond),
		"6 noon":      midnight.Add(12 * time.Hour),
		"7 late":      midnight.Add(24*time.Hour - time.Millisecond),
		"8 next day":  midnight.Add(24 * time.Hour),
		"9 years on":  midnight.AddDate(3, 0, 0),
	}

	t.Run("before a time", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		for id, since := range moments {
			for _, i := range []instance.Instance{named("c", id), timed("d", id)} {
				i.IdleSince = since
				i = f.create(t, i)
				wantInstance(t, f.get(t, i.Key()), i)
			}
		}
		n := f.createNumbered(t, instance.Instance{IdleSince: midnight})
		for _, before := range moments {
			want := []string{}
			for id, since := range moments {
				if !since.IsZero() && since.Before(before) {
					want = append(want, id)
				}
			}
			slices.Sort(want)
			f.wantIdle(t, idKind(), before, want...)
			f.wantIdle(t, timeKind(), before, want...)
		}
		f.wantIdle(t, numberKind(), midnight)
		f.wantIdle(t, numberKind(), midnight.Add(time.Millisecond), n.ID)
	})

	t.Run("to the millisecond", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		given := named("c", "x")
		given.IdleSince = time.Date(2026, 3, 4, 0, 30, 0, 999_999_999, time.FixedZone("", 3600))
		want := f.create(t, given)
		want.IdleSince = time.Date(2026, 3, 3, 23, 30, 0, 999_000_000, time.UTC)
		wantInstance(t, f.get(t, want.Key()), want)
		f.wantIdle(t, idKind(), want.IdleSince)
		f.wantIdle(t, idKind(), want.IdleSince.Add(time.Millisecond), "x")
		stored := f.replace(t, want.Key(), func(i *instance.Instance) { i.IdleSince = given.IdleSince.Add(48 * time.Hour) })
		if at := want.IdleSince.Add(48 * time.Hour); stored.IdleSince != at {
			t.Errorf("replaced is idle since %v, want %v", stored.IdleSince, at)
		}
		wantInstance(t, f.get(t, want.Key()), stored)
	})

	t.Run("by replaces", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		later := midnight.AddDate(1, 0, 0)
		for _, i := range []instance.Instance{named("c", "x"), timed("c", "x")} {
			key := f.create(t, i).Key()
			since := func(at time.Time) {
				t.Helper()
				stored := f.replace(t, key, func(i *instance.Instance) { i.IdleSince = at })
				if stored.IdleSince != at {
					t.Fatalf("replaced is idle since %v, want %v", stored.IdleSince, at)
				}
				wantInstance(t, f.get(t, key), stored)
				if at.IsZero() {
					f.wantIdle(t, key.Kind, later)
					return
				}
				f.wantIdle(t, key.Kind, at)
				f.wantIdle(t, key.Kind, at.Add(time.Millisecond), "x")
			}
			for _, id := range []string{"6 noon", "7 late", "0 never", "2 day ago", "8 next day", "1 long ago", "0 never", "4 midnight"} {
				since(moments[id])
			}
			// Another replace leaves it alone.
			f.replace(t, key, func(i *instance.Instance) { i.Name, i.Code, i.Group = "n", "c", "g" })
			f.wantIdle(t, key.Kind, midnight)
			f.wantIdle(t, key.Kind, midnight.Add(time.Millisecond), "x")
			// The history has the write, but not this field.
			if e := f.history(t, key)[1]; len(e.Fields) != 0 || e.Operation != "replace" {
				t.Errorf("event is %+v", e)
			}
		}
	})

	t.Run("by heartbeats", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		later := midnight.AddDate(1, 0, 0)
		f.clock.advance(100 * 24 * time.Hour)
		for name, test := range map[string]struct{ seen, idle, at, wantSeen, wantIdle string }{
			"first":              {"0 never", "0 never", "4 midnight", "4 midnight", "4 midnight"},
			"same day":           {"4 midnight", "4 midnight", "6 noon", "6 noon", "6 noon"},
			"next day":           {"6 noon", "6 noon", "8 next day", "8 next day", "8 next day"},
			"late":               {"6 noon", "6 noon", "2 day ago", "6 noon", "6 noon"},
			"again":              {"6 noon", "6 noon", "6 noon", "6 noon", "6 noon"},
			"never seen":         {"0 never", "6 noon", "8 next day", "8 next day", "8 next day"},
			"idle since later":   {"2 day ago", "6 noon", "4 midnight", "4 midnight", "6 noon"},
			"seen later":         {"6 noon", "2 day ago", "4 midnight", "6 noon", "4 midnight"},
			"seen, but in use":   {"6 noon", "0 never", "8 next day", "8 next day", "8 next day"},
			"late, but in use":   {"6 noon", "0 never", "4 midnight", "6 noon", "4 midnight"},
			"no time at all":     {"6 noon", "2 day ago", "0 never", "6 noon", "2 day ago"},
			"nothing whatever":   {"0 never", "0 never", "0 never", "0 never", "0 never"},
			"idle, late beat":    {"0 never", "6 noon", "2 day ago", "2 day ago", "6 noon"},
			"seen, the same":     {"6 noon", "4 midnight", "6 noon", "6 noon", "6 noon"},
			"idle since just at": {"4 midnight", "6 noon", "6 noon", "6 noon", "6 noon"},
		} {
			i := instance.Instance{Kind: instance.Kind{Name: "beaten"}, Collection: "c", ID: name}
			i.LastSeenAt, i.IdleSince = moments[test.seen], moments[test.idle]
			want := f.create(t, i)
			if err := f.Touch(t.Context(), want.Key(), moments[test.at]); err != nil {
				t.Fatal(err)
			}
			want.LastSeenAt, want.IdleSince = moments[test.wantSeen], moments[test.wantIdle]
			if got := f.get(t, want.Key()); got.LastSeenAt != want.LastSeenAt || got.IdleSince != want.IdleSince {
				t.Errorf("%s: last seen at %v, idle since %v, want %v and %v",
					name, got.LastSeenAt, got.IdleSince, want.LastSeenAt, want.IdleSince)
				continue
			}
			wantInstance(t, f.get(t, want.Key()), want)
			if n := len(f.history(t, want.Key())); n != 1 {
				t.Errorf("%s: %d events, want 1", name, n)
			}
			if want.IdleSince.IsZero() {
				f.wantIdle(t, want.Kind, later)
			} else {
				f.wantIdle(t, want.Kind, want.IdleSince)
				f.wantIdle(t, want.Kind, want.IdleSince.Add(time.Millisecond), name)
			}
			f.remove(t, want.Key())
		}
	})

	t.Run("kept by a replace", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		i := named("c", "x")
		i.IdleSince = midnight
		before := f.create(t, i)
		seen := midnight.Add(30 * time.Hour)
		f.clock.advance(100 * 24 * time.Hour)
		if err := f.Touch(t.Context(), before.Key(), seen); err != nil {
			t.Fatal(err)
		}
		// What was read before the heartbeat does not undo it.
		for n := range 2 {
			after := before
			after.Group = strconv.Itoa(n)
			stored, err := f.Replace(t.Context(), before, after, f.change("replace"), nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := f.get(t, before.Key()); got.IdleSince != seen || got.LastSeenAt != seen {
				t.Fatalf("instance is %+v, want it idle since %v", got, seen)
			}
			f.wantIdle(t, idKind(), seen)
			f.wantIdle(t, idKind(), seen.Add(time.Millisecond), "x")
			stored.LastSeenAt, stored.IdleSince = before.LastSeenAt, before.IdleSince
			before = stored
		}
		// But one that marks it as in use does, and loses no touch.
		after := before
		after.IdleSince = time.Time{}
		if _, err := f.Replace(t.Context(), before, after, f.change("replace"), nil); err != nil {
			t.Fatal(err)
		}
		if got := f.get(t, before.Key()); !got.IdleSince.IsZero() || got.LastSeenAt != seen {
			t.Fatalf("instance is %+v, want it last seen at %v and in use", got, seen)
		}
		f.wantIdle(t, idKind(), seen.AddDate(1, 0, 0))
	})

	t.Run("through the trash", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		for _, place := range []instance.Instance{numbered(1, instance.Instance{}), named("c", "x"), timed("c", "x")} {
			i := place
			i.IdleSince = f.clock.Now().Add(-100 * time.Hour)
			i = f.create(t, i)
			f.remove(t, i.Key())
			f.wantIdle(t, i.Kind, f.clock.Now())
			if d := f.onlyDeleted(t, i.Kind); d.IdleSince != i.IdleSince {
				t.Errorf("deleted is idle since %v, want %v", d.IdleSince, i.IdleSince)
			}
			back, err := f.Restore(t.Context(), i.Key(), f.change("restore"))
			if err != nil || back.IdleSince != f.clock.Now() {
				t.Fatalf("restored is idle since %v, %v, want %v", back.IdleSince, err, f.clock.Now())
			}
			wantInstance(t, f.get(t, i.Key()), back)
			f.wantIdle(t, i.Kind, back.IdleSince)
			f.wantIdle(t, i.Kind, back.IdleSince.Add(time.Millisecond), i.ID)

			// What was in use is in use again.
			f.replace(t, i.Key(), func(i *instance.Instance) { i.IdleSince = time.Time{} })
			f.remove(t, i.Key())
			if back, err := f.Restore(t.Context(), i.Key(), f.change("restore")); err != nil || !back.IdleSince.IsZero() {
				t.Errorf("restored is idle since %v, %v", back.IdleSince, err)
			}
			f.wantIdle(t, i.Kind, f.clock.advance(time.Hour))

			// What is gone for good leaves no trace.
			f.replace(t, i.Key(), func(i *instance.Instance) { i.IdleSince = midnight })
			f.remove(t, i.Key())
			f.purge(t, f.onlyDeleted(t, i.Kind))
			f.create(t, place)
			f.wantIdle(t, i.Kind, f.clock.Now().AddDate(1, 0, 0))
		}
	})

	t.Run("deletes within", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		const count = 60
		for n := range count {
			i := timed("c", strconv.Itoa(n))
			i.IdleSince = midnight.Add(time.Duration(n) * time.Hour)
			f.create(t, i)
		}
		n, before := 0, midnight.Add(count/2*time.Hour)
		for i, err := range f.Idle(t.Context(), timeKind(), before) {
			if err != nil || !i.IdleSince.Before(before) {
				t.Fatalf("number %d is %+v, %v", n, i, err)
			}
			f.remove(t, i.Key())
			n++
		}
		f.wantIdle(t, timeKind(), before)
		if left := len(f.idle(t, timeKind(), before.AddDate(1, 0, 0))); n != count/2 || left != count/2 {
			t.Errorf("%d were deleted, %d are left, want %d each", n, left, count/2)
		}
		for i, err := range f.Idle(t.Context(), timeKind(), before.AddDate(1, 0, 0)) {
			if err != nil {
				t.Errorf("first is %+v, %v", i, err)
			}
			break
		}
	})
}
