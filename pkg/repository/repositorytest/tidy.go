package repositorytest

import (
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"instances/pkg/instance"
)

// kinds are those of the tests.
func kinds() []instance.Kind { return []instance.Kind{idKind(), numberKind(), timeKind()} }

// tidy removes all leftovers, a few at a time, and returns how many they were.
func (f *fixture) tidy(t *testing.T, limit int) (total int) {
	t.Helper()
	for {
		n, err := f.Tidy(t.Context(), kinds(), f.clock.Now(), limit)
		if err != nil || n > limit {
			t.Fatalf("Tidy: %d, %v", n, err)
		}
		if total += n; n < limit {
			return total
		}
	}
}

// untidy counts the leftovers.
func (f *fixture) untidy(t *testing.T) int {
	t.Helper()
	n, err := f.Tidy(t.Context(), kinds(), f.clock.Now(), 0)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// answer returns the record of an answer that is kept for that long.
func (f *fixture) answer(key string, lasts time.Duration) *instance.Idempotency {
	return &instance.Idempotency{
		Owner: "o", Route: "r", Key: key, Answer: func(instance.Instance) ([]byte, error) { return []byte("a"), nil }, ExpiresAt: f.clock.Now().Add(lasts).Truncate(time.Second),
	}
}

// litter leaves what each repository finds something of to tidy up after a few
// days: history and answers that have expired, and blocks without an instance.
// It returns one that stays.
func (f *fixture) litter(t *testing.T) (gone []instance.Instance, stays instance.Instance) {
	t.Helper()
	for n, upTo := range []int64{0, 30_000, 60_000, 90_000} {
		if err := f.ReserveNumbers(t.Context(), numberKind(), upTo); err != nil {
			t.Fatal(err)
		}
		stays = f.createNumbered(t, instance.Instance{Name: "n"})
		i := f.fresh(named("c", strconv.Itoa(n)))
		if err := f.Create(t.Context(), i, f.change("create"), f.answer(i.ID, time.Hour)); err != nil {
			t.Fatal(err)
		}
		if n < 3 {
			f.remove(t, stays.Key())
			gone = append(gone, stays)
		}
	}
	return gone, stays
}

// listed fails the test unless just these instances are listed.
func (f *fixture) listed(t *testing.T, want ...instance.Instance) {
	t.Helper()
	ids := []string{}
	for _, i := range want {
		ids = append(ids, i.ID)
	}
	if got := f.ids(t, instance.Query{Kind: numberKind()}); !slices.Equal(got, ids) {
		t.Fatalf("listed are %v, want %v", got, ids)
	}
}

// testTidy covers leftovers. Repositories differ in which they have, and not in
// what a reader finds.
func testTidy(t *testing.T, open Opener) {
	const retention = 100 * time.Hour

	t.Run("leftovers", func(t *testing.T) {
		t.Parallel()
		f := startKeeping(t, open, retention)
		gone, stays := f.litter(t)
		if n := f.untidy(t); n != 0 {
			t.Errorf("%d at once", n)
		}
		f.clock.advance(retention + time.Hour)
		n := f.untidy(t)
		if n < 3 || f.untidy(t) != n {
			t.Fatalf("%d left over", n)
		}
		if got, err := f.Tidy(t.Context(), kinds(), f.clock.Now(), 1); err != nil || got != 1 || f.untidy(t) != n-1 {
			t.Fatalf("removed %d, %v of %d, %d are left", got, err, n, f.untidy(t))
		}
		if got := f.tidy(t, 2); got != n-1 {
			t.Errorf("removed %d of %d", got, n-1)
		}
		if got := f.untidy(t) + f.tidy(t, 100); got != 0 {
			t.Errorf("%d are left", got)
		}

		// What there is stays, and what comes back is found.
		f.listed(t, stays)
		if got := f.deleted(t, numberKind()); len(got) != len(gone) {
			t.Errorf("%d are in the trash, want %d", len(got), len(gone))
		}
		back, err := f.Restore(t.Context(), gone[1].Key(), f.change("restore"))
		if err != nil {
			t.Fatal(err)
		}
		other := f.create(t, numbered(60_009, instance.Instance{Name: "other"}))
		f.listed(t, back, other, stays)
		if ids := f.ids(t, instance.Query{Kind: numberKind(), Name: "OTHER"}); !slices.Equal(ids, []string{other.ID}) {
			t.Errorf("name finds %v", ids)
		}
		if n := len(f.history(t, back.Key())); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
		f.clock.advance(retention + time.Hour)
		f.tidy(t, 10)
		f.listed(t, back, other, stays)
		f.listed(t, back, other, stays, f.createNumbered(t, instance.Instance{}))
	})

	t.Run("not yet", func(t *testing.T) {
		t.Parallel()
		f := startKeeping(t, open, retention)
		f.litter(t)
		idem := f.answer("k", 48*time.Hour)
		if err := f.Create(t.Context(), f.fresh(named("c", "x")), f.change("create"), idem); err != nil {
			t.Fatal(err)
		}
		f.clock.advance(47 * time.Hour)
		f.tidy(t, 10)
		var repeated *instance.RepeatedError
		if err := f.Create(t.Context(), f.fresh(named("c", "y")), f.change("create"), idem); !errors.As(err, &repeated) {
			t.Errorf("error is %v, want a repeated one", err)
		}
		if n := len(f.history(t, named("c", "x").Key())); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
	})

	t.Run("in use again", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		gone, stays := f.litter(t)
		f.clock.advance(48 * time.Hour)
		back, err := f.Restore(t.Context(), gone[0].Key(), f.change("restore"))
		if err != nil {
			t.Fatal(err)
		}
		// Even where it is empty once more, it was used just now.
		other := f.create(t, numbered(30_002, instance.Instance{}))
		f.remove(t, other.Key())
		again := f.answer("0", time.Hour)
		if err := f.Create(t.Context(), f.fresh(named("c", "again")), f.change("create"), again); err != nil {
			t.Fatal(err)
		}
		f.tidy(t, 10)
		f.listed(t, back, stays)
		var repeated *instance.RepeatedError
		if err := f.Create(t.Context(), f.fresh(named("c", "z")), f.change("create"), again); !errors.As(err, &repeated) {
			t.Errorf("error is %v, want a repeated one", err)
		}
		f.listed(t, back, f.create(t, other), stays)
	})

	t.Run("no history without a retention", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		_, stays := f.litter(t)
		f.clock.advance(100 * 365 * 24 * time.Hour)
		f.tidy(t, 100)
		if n := len(f.history(t, stays.Key())); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
	})

	t.Run("in parallel", func(t *testing.T) {
		t.Parallel()
		f := startKeeping(t, open, retention)
		f.litter(t)
		f.clock.advance(retention + time.Hour)
		want, got := f.untidy(t), make([]int, 4)
		if err := errors.Join(parallel(len(got), func(k int) (err error) {
			got[k], err = f.Tidy(t.Context(), kinds(), f.clock.Now(), 100)
			return err
		})...); err != nil {
			t.Fatal(err)
		}
		if sum := got[0] + got[1] + got[2] + got[3]; sum != want || want == 0 {
			t.Errorf("removed %v of %d", got, want)
		}
	})

	// Whoever is first, what is created is found.
	t.Run("against creates", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		_, stays := f.litter(t)
		for n := int64(2); n < 10; n++ {
			f.clock.advance(48 * time.Hour)
			i, change := f.fresh(numbered(n, instance.Instance{})), f.change("create")
			if err := errors.Join(parallel(2, func(k int) error {
				if k == 0 {
					return f.Create(t.Context(), i, change, nil)
				}
				_, err := f.Tidy(t.Context(), kinds(), f.clock.Now(), 10)
				return err
			})...); err != nil {
				t.Fatal(err)
			}
			f.listed(t, i, stays)
			f.remove(t, i.Key())
		}
	})
}
