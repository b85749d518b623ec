package repositorytest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"instances/pkg/instance"
)

// testCollection covers collections that fell out of use. A repository may
// keep a directory of them, or find them by themselves: either way what is in
// one is found.
func testCollection(t *testing.T, open Opener, traits Traits) {
	// far creates an instance in each of three blocks that are not neighbours,
	// deletes the first and the second, and lets the time pass after which they
	// may be forgotten.
	far := func(t *testing.T, f *fixture) []instance.Instance {
		t.Helper()
		var all []instance.Instance
		for _, upTo := range []int64{0, 30_000, 90_000} {
			if err := f.ReserveNumbers(t.Context(), numberKind(), upTo); err != nil {
				t.Fatal(err)
			}
			all = append(all, f.createNumbered(t, instance.Instance{}))
		}
		f.remove(t, all[0].Key())
		f.remove(t, all[1].Key())
		f.clock.advance(48 * time.Hour)
		return all
	}
	unused := func(t *testing.T, f *fixture) []instance.Unused {
		t.Helper()
		return collect(t, f.UnusedCollections(t.Context(), numberKind(), f.clock.Now().Add(-24*time.Hour)))
	}
	forget := func(t *testing.T, f *fixture, all []instance.Unused) {
		t.Helper()
		for _, u := range all {
			if err := f.ForgetCollection(t.Context(), u); err != nil {
				t.Fatal(err)
			}
		}
	}
	listed := func(t *testing.T, f *fixture, want ...instance.Instance) {
		t.Helper()
		ids := []string{}
		for _, i := range want {
			ids = append(ids, i.ID)
		}
		if got := f.ids(t, instance.Query{Kind: numberKind()}); !slices.Equal(got, ids) {
			t.Fatalf("listed are %v, want %v", got, ids)
		}
	}

	t.Run("forgotten", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		made := far(t, f)
		all := unused(t, f)
		var blocks []string
		for _, u := range all {
			if u.Kind != numberKind() || !u.EnteredAt.Before(f.clock.Now().Add(-24*time.Hour)) {
				t.Errorf("%+v is listed", u)
			}
			blocks = append(blocks, u.Collection)
		}
		slices.Sort(blocks)
		want := []string{made[0].Collection, made[1].Collection}
		if !traits.Directory {
			want = nil
		}
		if !slices.Equal(blocks, want) {
			t.Fatalf("unused are %v, want %v", blocks, want)
		}
		forget(t, f, all)
		if left := unused(t, f); len(left) != 0 {
			t.Errorf("%+v are left", left)
		}
		listed(t, f, made[2])

		// What comes back there is found.
		back, err := f.Restore(t.Context(), made[0].Key(), f.change("restore"))
		if err != nil {
			t.Fatal(err)
		}
		listed(t, f, back, made[2])
		other := f.create(t, numbered(30_002, instance.Instance{Name: "other"}))
		listed(t, f, back, other, made[2])
		if ids := f.ids(t, instance.Query{Kind: numberKind(), Name: "OTHER"}); !slices.Equal(ids, []string{other.ID}) {
			t.Errorf("name finds %v", ids)
		}
		f.clock.advance(48 * time.Hour)
		forget(t, f, unused(t, f))
		listed(t, f, back, other, made[2])
		listed(t, f, back, other, made[2], f.createNumbered(t, instance.Instance{}))
	})

	t.Run("in use again", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		made := far(t, f)
		all := unused(t, f)
		back, err := f.Restore(t.Context(), made[0].Key(), f.change("restore"))
		if err != nil {
			t.Fatal(err)
		}
		other := f.create(t, numbered(30_002, instance.Instance{}))
		for _, u := range all {
			wantError(t, f.ForgetCollection(t.Context(), u), instance.ErrConflict)
		}
		listed(t, f, back, other, made[2])
		// Even where it is empty once more, it was entered since.
		f.remove(t, other.Key())
		for _, u := range all {
			wantError(t, f.ForgetCollection(t.Context(), u), instance.ErrConflict)
		}
	})

	t.Run("entered lately", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		far(t, f)
		if all := collect(t, f.UnusedCollections(t.Context(), numberKind(), f.clock.Now().Add(-72*time.Hour))); len(all) != 0 {
			t.Errorf("%+v are listed", all)
		}
	})

	// Whoever is first, what is created is found.
	t.Run("against creates", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		want := far(t, f)[2:]
		for n := int64(2); n < 10; n++ {
			all := unused(t, f)
			i, change := f.fresh(numbered(n, instance.Instance{})), f.change("create")
			if err := errors.Join(parallel(2, func(k int) error {
				if k == 0 {
					return f.Create(t.Context(), i, change, nil)
				}
				for _, u := range all {
					if err := f.ForgetCollection(t.Context(), u); err != nil && !errors.Is(err, instance.ErrConflict) {
						return err
					}
				}
				return nil
			})...); err != nil {
				t.Fatal(err)
			}
			listed(t, f, i, want[0])
			f.remove(t, i.Key())
			f.clock.advance(48 * time.Hour)
		}
	})

	t.Run("of kinds that name theirs", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		for _, i := range []instance.Instance{named("c", "x"), timed("c", "x")} {
			f.remove(t, f.create(t, i).Key())
			f.clock.advance(48 * time.Hour)
			if all := collect(t, f.UnusedCollections(t.Context(), i.Kind, f.clock.Now())); len(all) != 0 {
				t.Errorf("%+v are listed", all)
			}
			u := instance.Unused{Kind: i.Kind, Collection: "c", EnteredAt: f.clock.Now()}
			if err := f.ForgetCollection(t.Context(), u); err != nil {
				t.Error(err)
			}
		}
	})
}
