package repositorytest

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"instances/pkg/instance"
)

// testExpired covers the purge of what is kept for a limited time.
func testExpired(t *testing.T, open Opener, traits Traits) {
	const retention = 100 * time.Hour
	answer := func(f *fixture, key string, lasts time.Duration) *instance.Idempotency {
		return &instance.Idempotency{
			Owner: "o", Route: "r", Key: key, Answer: []byte("a"), ExpiresAt: f.clock.Now().Add(lasts).Truncate(time.Second),
		}
	}
	create := func(t *testing.T, f *fixture, id string, idem *instance.Idempotency) time.Time {
		t.Helper()
		change := f.change("create")
		if err := f.Create(t.Context(), f.fresh(named("c", id)), change, idem); err != nil {
			t.Fatal(err)
		}
		return change.At
	}
	count := func(t *testing.T, f *fixture, asOf time.Time, want instance.Expired) {
		t.Helper()
		if traits.SelfExpiring {
			want = instance.Expired{}
		}
		got, err := f.CountExpired(t.Context(), asOf)
		if err != nil || got != want {
			t.Fatalf("expired as of %v are %+v, %v, want %+v", asOf, got, err, want)
		}
	}
	purge := func(t *testing.T, f *fixture, asOf time.Time, limit int, want instance.Expired) {
		t.Helper()
		if traits.SelfExpiring {
			want = instance.Expired{}
		}
		got, err := f.PurgeExpired(t.Context(), asOf, limit)
		if err != nil || got != want {
			t.Fatalf("purged as of %v are %+v, %v, want %+v", asOf, got, err, want)
		}
	}

	t.Run("by time", func(t *testing.T) {
		t.Parallel()
		f := startKeeping(t, open, retention)
		count(t, f, f.clock.Now(), instance.Expired{})
		idem := answer(f, "k", time.Hour)
		created := create(t, f, "x", idem)
		f.remove(t, named("c", "x").Key())
		deleted := f.clock.Now()

		early, late := idem.ExpiresAt, created.Add(retention)
		count(t, f, early.Add(-time.Millisecond), instance.Expired{})
		count(t, f, early, instance.Expired{Idempotency: 1, Oldest: early})
		count(t, f, late.Add(-time.Millisecond), instance.Expired{Idempotency: 1, Oldest: early})
		count(t, f, late, instance.Expired{Idempotency: 1, History: 1, Oldest: early})
		count(t, f, deleted.Add(retention), instance.Expired{Idempotency: 1, History: 2, Oldest: early})

		purge(t, f, early.Add(-time.Millisecond), 10, instance.Expired{})
		purge(t, f, early, 10, instance.Expired{Idempotency: 1, Oldest: early})
		purge(t, f, early, 10, instance.Expired{})
		count(t, f, late, instance.Expired{History: 1, Oldest: late})
		purge(t, f, late, 10, instance.Expired{History: 1, Oldest: late})
		count(t, f, late, instance.Expired{})
		// It is gone, though the clock still would show it.
		want := 1
		if traits.SelfExpiring {
			want = 2
		}
		if n := len(f.history(t, named("c", "x").Key())); n != want {
			t.Errorf("%d events, want %d", n, want)
		}
		if !traits.SelfExpiring {
			create(t, f, "x", idem)
		}
		if got := f.deleted(t, idKind()); len(got) != 1 {
			t.Errorf("%d are in the trash, want 1", len(got))
		}
	})

	t.Run("what has not expired stays", func(t *testing.T) {
		t.Parallel()
		f := startKeeping(t, open, retention)
		idem := answer(f, "k", 48*time.Hour)
		create(t, f, "x", idem)
		f.clock.advance(47 * time.Hour)
		purge(t, f, f.clock.Now(), 10, instance.Expired{})
		var repeated *instance.RepeatedError
		if err := f.Create(t.Context(), f.fresh(named("c", "y")), f.change("create"), idem); !errors.As(err, &repeated) {
			t.Errorf("error is %v, want a repeated one", err)
		}
		if n := len(f.history(t, named("c", "x").Key())); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
	})

	t.Run("what was given again stays", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		first := answer(f, "k", time.Hour)
		create(t, f, "x", first)
		f.clock.advance(2 * time.Hour)
		second := answer(f, "k", time.Hour)
		create(t, f, "y", second)
		count(t, f, f.clock.Now(), instance.Expired{})
		purge(t, f, f.clock.Now(), 10, instance.Expired{})
		var repeated *instance.RepeatedError
		if err := f.Create(t.Context(), f.fresh(named("c", "z")), f.change("create"), second); !errors.As(err, &repeated) {
			t.Errorf("error is %v, want a repeated one", err)
		}
		count(t, f, second.ExpiresAt, instance.Expired{Idempotency: 1, Oldest: second.ExpiresAt})
		purge(t, f, second.ExpiresAt, 10, instance.Expired{Idempotency: 1, Oldest: second.ExpiresAt})
	})

	t.Run("oldest first, in parts", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		const records = 25
		// Written in no order of their ends.
		last := f.clock.Now().Truncate(time.Second).Add(time.Hour)
		for n := range records {
			idem := answer(f, strconv.Itoa(n), 0)
			idem.ExpiresAt = last.Add(-time.Duration((n*7)%records) * time.Minute)
			create(t, f, strconv.Itoa(n), idem)
		}
		oldest := last.Add(-(records - 1) * time.Minute)
		for _, part := range []struct{ limit, want int }{{10, 10}, {1, 1}, {10, 10}, {0, 4}, {10, 0}, {-1, 0}} {
			want := instance.Expired{Idempotency: part.want, Oldest: oldest}
			if part.want == 0 {
				want.Oldest = time.Time{}
			}
			purge(t, f, last, part.limit, want)
			oldest = oldest.Add(time.Duration(part.want) * time.Minute)
		}
	})

	t.Run("never without a retention", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		create(t, f, "x", nil)
		count(t, f, f.clock.Now().AddDate(1000, 0, 0), instance.Expired{})
		purge(t, f, f.clock.Now().AddDate(1000, 0, 0), 10, instance.Expired{})
		if n := len(f.history(t, named("c", "x").Key())); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
	})

	t.Run("parallel purges", func(t *testing.T) {
		t.Parallel()
		f := startKeeping(t, open, retention)
		const records = 20
		for n := range records {
			create(t, f, strconv.Itoa(n), nil)
		}
		asOf := f.clock.advance(retention)
		counts := make([]int, 4)
		if err := errors.Join(parallel(len(counts), func(k int) error {
			got, err := f.PurgeExpired(t.Context(), asOf, records/2)
			counts[k] = got.Total()
			return err
		})...); err != nil {
			t.Fatal(err)
		}
		sum, want := 0, records
		for _, n := range counts {
			sum += n
		}
		if traits.SelfExpiring {
			want = 0
		}
		if sum != want {
			t.Errorf("purged are %v, want %d", counts, want)
		}
	})
}
