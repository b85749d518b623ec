package repositorytest

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"instances/pkg/instance"
)

// testIdempotency covers the recorded answers of creates.
func testIdempotency(t *testing.T, open Opener) {
	record := func(f *fixture, key string) *instance.Idempotency {
		return &instance.Idempotency{
			Owner: "o", Route: "POST /x", Key: key, Fingerprint: "print of " + key,
			Answer: []byte("answer\x00\xff to " + key), ExpiresAt: f.clock.Now().Add(24 * time.Hour).Truncate(time.Second),
		}
	}
	wantRepeated := func(t *testing.T, err error, want *instance.Idempotency) {
		t.Helper()
		var repeated *instance.RepeatedError
		if !errors.As(err, &repeated) {
			t.Fatalf("error is %v, want a repeated one", err)
		}
		if !reflect.DeepEqual(repeated.Recorded, *want) {
			t.Fatalf("recorded is\n%+v, want\n%+v", repeated.Recorded, *want)
		}
	}

	t.Run("replay", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		idem := record(f, "k")
		first := f.fresh(instance.Instance{Kind: idKind(), Collection: "c", ID: "x", Code: "code"})
		if err := f.Create(t.Context(), first, f.change("create"), idem); err != nil {
			t.Fatal(err)
		}
		again := record(f, "k")
		again.Fingerprint, again.Answer, again.ExpiresAt = "other", []byte("other"), idem.ExpiresAt.Add(time.Hour)
		// It takes precedence over a taken ID and a taken code, and applies when
		// nothing else is in the way.
		for _, i := range []instance.Instance{
			first,
			{Kind: idKind(), Collection: "c", ID: "x", Code: "other"},
			{Kind: idKind(), Collection: "c", ID: "y", Code: "CODE"},
			{Kind: idKind(), Collection: "c", ID: "y"},
		} {
			wantRepeated(t, f.Create(t.Context(), f.fresh(i), f.change("create"), again), idem)
		}
		wantInstance(t, f.get(t, first.Key()), first)
		_, err := f.Get(t.Context(), named("c", "y").Key())
		wantError(t, err, instance.ErrNotFound)
		if n := len(f.history(t, first.Key())); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
		// It outlives the instance.
		f.remove(t, first.Key())
		wantRepeated(t, f.Create(t.Context(), f.fresh(first), f.change("create"), again), idem)
	})

	t.Run("only successes are recorded", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		f.create(t, instance.Instance{Kind: idKind(), Collection: "c", ID: "x", Code: "code"})
		idem := record(f, "k")
		taken := f.fresh(instance.Instance{Kind: idKind(), Collection: "c", ID: "y", Code: "code"})
		wantError(t, f.Create(t.Context(), taken, f.change("create"), idem), instance.ErrCodeTaken)
		taken = f.fresh(instance.Instance{Kind: idKind(), Collection: "c", ID: "x"})
		wantError(t, f.Create(t.Context(), taken, f.change("create"), idem), instance.ErrExists)
		if err := f.Create(t.Context(), f.fresh(named("c", "z")), f.change("create"), idem); err != nil {
			t.Fatal(err)
		}
	})

	t.Run("per owner, route and key", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		long := strings.Repeat("k", 255)
		for n, key := range [][3]string{
			{"o", "r", "k"},
			{"o2", "r", "k"},
			{"o", "r2", "k"},
			{"o", "r", "k2"},
			{"o", "r", "K"},
			{"o#r", "", "k"},
			{"o", "r#k", ""},
			{"o", "r", "k#"},
			{"or", "", "k"},
			{"o", "r", long},
			{"o", "r", long + "x"},
		} {
			idem := record(f, "")
			idem.Owner, idem.Route, idem.Key = key[0], key[1], key[2]
			i := f.fresh(named("c", strconv.Itoa(n)))
			if err := f.Create(t.Context(), i, f.change("create"), idem); err != nil {
				t.Errorf("%q: %v", key, err)
			}
			wantRepeated(t, f.Create(t.Context(), i, f.change("create"), idem), idem)
		}
	})

	t.Run("expired is absent", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		first := record(f, "k")
		if err := f.Create(t.Context(), f.fresh(named("c", "x")), f.change("create"), first); err != nil {
			t.Fatal(err)
		}
		f.clock.advance(25 * time.Hour)
		second := record(f, "k")
		second.Answer = []byte("second")
		wantError(t, f.Create(t.Context(), f.fresh(named("c", "x")), f.change("create"), second), instance.ErrExists)
		if err := f.Create(t.Context(), f.fresh(named("c", "y")), f.change("create"), second); err != nil {
			t.Fatal(err)
		}
		wantRepeated(t, f.Create(t.Context(), f.fresh(named("c", "z")), f.change("create"), first), second)
	})

	t.Run("parallel creates with one key", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		const creates = 16
		change := f.change("create")
		records := make([]*instance.Idempotency, creates)
		errs := parallel(creates, func(k int) error {
			records[k] = record(f, "k")
			records[k].Answer = fmt.Append(nil, k)
			i := f.fresh(instance.Instance{Kind: idKind(), Collection: "c", ID: strconv.Itoa(k), Code: "code", Group: "g"})
			return f.Create(t.Context(), i, change, records[k])
		})
		winner := -1
		for k, err := range errs {
			if err == nil {
				if winner >= 0 {
					t.Fatalf("creates %d and %d both succeeded", winner, k)
				}
				winner = k
			}
		}
		if winner < 0 {
			t.Fatalf("none succeeded: %v", errs)
		}
		for k, err := range errs {
			if k != winner {
				wantRepeated(t, err, records[winner])
			}
		}
		if ids := f.ids(t, instance.Query{Kind: idKind(), Group: "g"}); fmt.Sprint(ids) != fmt.Sprintf("[%d]", winner) {
			t.Errorf("created are %v, want %d", ids, winner)
		}
	})
}
