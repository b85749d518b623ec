package repositorytest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"instances/pkg/instance"
)

// testTouch covers heartbeats.
func testTouch(t *testing.T, open Opener) {
	touch := func(t *testing.T, f *fixture, key instance.Key, at time.Time) {
		t.Helper()
		if err := f.Touch(t.Context(), key, at); err != nil {
			t.Fatalf("Touch(%v): %v", key, err)
		}
	}

	t.Run("changes two times only", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		want := f.createNumbered(t, instance.Instance{Code: "c", Group: "g", Name: "n", Attributes: []byte(`{"a":1}`)})
		at := time.Date(2026, 3, 4, 7, 6, 7, 123_999_999, time.FixedZone("", 7200))
		f.clock.advance(100 * 24 * time.Hour)
		touch(t, f, want.Key(), at)
		want.LastSeenAt = time.Date(2026, 3, 4, 5, 6, 7, 123_000_000, time.UTC)
		want.IdleSince = want.LastSeenAt
		wantInstance(t, f.get(t, want.Key()), want)
		for _, q := range []instance.Query{{}, {Code: "c"}, {Group: "g"}, {Name: "n"}} {
			q.Kind = numberKind()
			found := f.search(t, q)
			if len(found) != 1 {
				t.Fatalf("%+v finds %d, want 1", q, len(found))
			}
			wantInstance(t, found[0], want)
		}
		if n := len(f.history(t, want.Key())); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
	})

	t.Run("never back", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		key := f.create(t, named("c", "x")).Key()
		latest := f.clock.Now()
		f.clock.advance(2 * time.Hour)
		for _, d := range []time.Duration{0, -time.Millisecond, time.Millisecond, 0, time.Hour, time.Minute} {
			at := f.clock.Now().Add(d - 2*time.Hour)
			touch(t, f, key, at)
			if at.After(latest) {
				latest = at
			}
			if got := f.get(t, key).LastSeenAt; !got.Equal(latest) {
				t.Fatalf("after %v: last seen at %v, want %v", at, got, latest)
			}
		}
		touch(t, f, key, time.Time{})
		if got := f.get(t, key).LastSeenAt; !got.Equal(latest) {
			t.Errorf("last seen at %v, want %v", got, latest)
		}
	})

	// A heartbeat by a clock that is ahead counts until the next one, not until
	// its time has come.
	t.Run("future counts as now", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		const ahead = 48 * time.Hour
		for name, i := range map[string]instance.Instance{
			"both":      {LastSeenAt: f.clock.Now().Add(ahead), IdleSince: f.clock.Now().Add(ahead)},
			"seen":      {LastSeenAt: f.clock.Now().Add(ahead), IdleSince: f.clock.Now()},
			"seen only": {LastSeenAt: f.clock.Now().Add(ahead)},
			"idle":      {LastSeenAt: f.clock.Now(), IdleSince: f.clock.Now().Add(ahead)},
		} {
			i.Kind, i.Collection, i.ID = timeKind(), "c", name
			want := f.create(t, i)
			want.LastSeenAt = f.clock.advance(time.Second)
			want.IdleSince = want.LastSeenAt
			touch(t, f, want.Key(), want.LastSeenAt)
			wantInstance(t, f.get(t, want.Key()), want)
			f.wantIdle(t, timeKind(), want.IdleSince)
			f.wantIdle(t, timeKind(), want.IdleSince.Add(time.Millisecond), name)
			// A heartbeat that arrives late changes nothing.
			touch(t, f, want.Key(), want.LastSeenAt.Add(-time.Second))
			wantInstance(t, f.get(t, want.Key()), want)
			f.remove(t, want.Key())
		}
	})

	t.Run("no time at all", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		want := f.create(t, named("c", "x"))
		touch(t, f, want.Key(), time.Time{})
		wantInstance(t, f.get(t, want.Key()), want)
		f.remove(t, want.Key())
	})

	t.Run("not found", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		for _, i := range []instance.Instance{named("c", "x"), timed("c", "x"), timed("c", instance.NewTimeID(f.clock.Now()))} {
			wantError(t, f.Touch(t.Context(), i.Key(), f.clock.Now()), instance.ErrNotFound)
			f.create(t, i)
			f.remove(t, i.Key())
			wantError(t, f.Touch(t.Context(), i.Key(), f.clock.Now()), instance.ErrNotFound)
			_, err := f.Get(t.Context(), i.Key())
			wantError(t, err, instance.ErrNotFound)
			if _, err := f.Restore(t.Context(), i.Key(), f.change("restore")); err != nil {
				t.Fatal(err)
			}
			if got := f.get(t, i.Key()).LastSeenAt; !got.IsZero() {
				t.Errorf("last seen at %v, while it was deleted", got)
			}
		}
	})

	t.Run("kept by a replace", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		before := f.createNumbered(t, instance.Instance{})
		seen := f.clock.advance(time.Minute)
		touch(t, f, before.Key(), seen)
		// A replace of what was read before the heartbeat does not undo it.
		for n := range 2 {
			after := before
			after.Name = strconv.Itoa(n)
			stored, err := f.Replace(t.Context(), before, after, f.change("replace"), nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := f.get(t, before.Key()); !got.LastSeenAt.Equal(seen) || got.Name != after.Name {
				t.Fatalf("instance is %+v, want it last seen at %v", got, seen)
			}
			stored.LastSeenAt = before.LastSeenAt
			before = stored
		}
		// But a replace may change just that.
		got := f.replace(t, before.Key(), func(i *instance.Instance) { i.LastSeenAt = seen.Add(-time.Hour) })
		if want := seen.Add(-time.Hour); !got.LastSeenAt.Equal(want) || !f.get(t, before.Key()).LastSeenAt.Equal(want) {
			t.Errorf("last seen at %v, want %v", got.LastSeenAt, want)
		}
		f.replace(t, before.Key(), func(i *instance.Instance) { i.LastSeenAt = time.Time{} })
		if got := f.get(t, before.Key()); !got.LastSeenAt.IsZero() {
			t.Errorf("last seen at %v", got.LastSeenAt)
		}
	})

	t.Run("within an update", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		key := f.create(t, timed("c", "x")).Key()
		seen := f.clock.advance(time.Minute)
		tries := 0
		_, err := f.Update(t.Context(), key, f.change("patch"), nil, func(i instance.Instance) (instance.Instance, error) {
			tries++
			touch(t, f, key, seen)
			i.Name = "new"
			return i, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := f.get(t, key); tries != 1 || got.Version != 2 || got.Name != "new" || !got.LastSeenAt.Equal(seen) {
			t.Errorf("after %d tries: %+v, want it last seen at %v", tries, got, seen)
		}
	})

	// A delete of what is silent must see that it no longer is.
	t.Run("seen by a delete", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		for _, ahead := range []time.Duration{0, 48 * time.Hour} {
			i := timed("c", "x")
			i.LastSeenAt, i.IdleSince = f.clock.Now().Add(ahead), f.clock.Now().Add(ahead)
			key := f.create(t, i).Key()
			heard := f.clock.advance(time.Minute)
			var checked []time.Time
			err := f.Delete(t.Context(), key, f.change("delete"), nil, func(i instance.Instance) error {
				checked = append(checked, i.LastSeenAt)
				return f.Touch(t.Context(), key, heard)
			})
			if want := []time.Time{i.LastSeenAt, heard}; err != nil || !slices.Equal(checked, want) {
				t.Errorf("checked at %v, %v, want %v", checked, err, want)
			}
		}
	})

	t.Run("goes to the trash", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		key := f.create(t, named("c", "x")).Key()
		seen := f.clock.advance(time.Minute)
		err := f.Delete(t.Context(), key, f.change("delete"), nil, func(instance.Instance) error { return f.Touch(t.Context(), key, seen) })
		if err != nil {
			t.Fatal(err)
		}
		if back, err := f.Restore(t.Context(), key, f.change("restore")); err != nil || !back.LastSeenAt.Equal(seen) {
			t.Errorf("last seen at %v, %v, want %v", back.LastSeenAt, err, seen)
		}
	})

	for _, i := range []instance.Instance{numbered(1, instance.Instance{}), timed("c", "x")} {
		t.Run("during writes of a "+i.Kind.Name, func(t *testing.T) { t.Parallel(); touchDuringWrites(t, open, i) })
	}
}

// touchDuringWrites sends heartbeats while others write: none causes a conflict,
// and none is undone.
func touchDuringWrites(t *testing.T, open Opener, i instance.Instance) {
	f := start(t, open)
	i = f.create(t, i)
	const beats, writes = 40, 12
	base, change := f.clock.advance(time.Hour), f.change("replace")
	f.clock.advance(time.Hour)
	var errs []error
	var heart sync.WaitGroup
	heart.Go(func() {
		errs = parallel(4, func(k int) error {
			for n := k; n < beats; n += 4 {
				if err := f.Touch(t.Context(), i.Key(), base.Add(time.Duration(n)*time.Second)); err != nil {
					return err
				}
			}
			return nil
		})
	})
	stored := i
	for n := range writes {
		after := stored
		after.Name, after.Group = strconv.Itoa(n), fmt.Sprint("g", n)
		var err error
		if n%2 == 0 {
			stored, err = f.Replace(t.Context(), stored, after, change, nil)
		} else {
			tries := 0
			stored, err = f.Update(t.Context(), i.Key(), change, nil, func(i instance.Instance) (instance.Instance, error) {
				tries++
				i.Name, i.Group = after.Name, after.Group
				return i, nil
			})
			if tries > 1 {
				t.Errorf("write %d took %d tries", n, tries)
			}
		}
		if err != nil {
			t.Errorf("write %d: %v", n, err)
			break
		}
	}
	heart.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	got, latest := f.get(t, i.Key()), base.Add((beats-1)*time.Second)
	if got.Version != writes+1 || got.Name != strconv.Itoa(writes-1) || got.LastSeenAt != latest || got.IdleSince != latest {
		t.Errorf("instance is %+v, want version %d, last seen at %v, idle since then", got, writes+1, latest)
	}
	f.wantIdle(t, i.Kind, latest)
	f.wantIdle(t, i.Kind, latest.Add(time.Millisecond), i.ID)
	if n := len(f.history(t, i.Key())); n != writes+1 {
		t.Errorf("%d events, want %d", n, writes+1)
	}
}
