package repositorytest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"instances/pkg/instance"
)

// keyedWrites are the writes that take a record, on what is stored as i. They
// fail where that has changed.
func keyedWrites() map[string]func(f *fixture, i instance.Instance, record *instance.Idempotency) error {
	update := func(suffix string) func(*fixture, instance.Instance, *instance.Idempotency) error {
		return func(f *fixture, i instance.Instance, record *instance.Idempotency) error {
			_, err := f.Update(context.Background(), i.Key(), f.change("patch"), record, func(seen instance.Instance) (instance.Instance, error) {
				seen.Name += suffix
				return seen, stale(i)(seen)
			})
			return err
		}
	}
	return map[string]func(*fixture, instance.Instance, *instance.Idempotency) error{
		"create": func(f *fixture, i instance.Instance, record *instance.Idempotency) error {
			i.ID, i.Code = "created", "created"
			return f.Create(context.Background(), f.fresh(i), f.change("create"), record)
		},
		"replace": func(f *fixture, i instance.Instance, record *instance.Idempotency) error {
			after := i
			after.Name = "replaced"
			_, err := f.Replace(context.Background(), i, after, f.change("replace"), record)
			return err
		},
		"update":            update("+"),
		"update of nothing": update(""),
		"delete": func(f *fixture, i instance.Instance, record *instance.Idempotency) error {
			return f.Delete(context.Background(), i.Key(), f.change("delete"), record, stale(i))
		},
	}
}

// stale returns a check that an instance is as it was read.
func stale(read instance.Instance) func(instance.Instance) error {
	return func(i instance.Instance) error {
		if i.Revision() != read.Revision() {
			return errors.New("instance is stale")
		}
		return nil
	}
}

// testIdempotency covers the recorded answers of writes.
func testIdempotency(t *testing.T, open Opener) {
	// record returns one whose answer tells the instance.
	record := func(f *fixture, key, answer string) *instance.Idempotency {
		return &instance.Idempotency{
			Owner: "o", Route: "POST /x", Key: key, Fingerprint: "print of " + answer,
			Answer: func(i instance.Instance) ([]byte, error) {
				return fmt.Append(nil, answer, "\x00\xff", i.ID, i.Revision(), i.Name, i.UpdatedAt), nil
			},
			ExpiresAt: f.clock.Now().Add(24 * time.Hour).Truncate(time.Second),
		}
	}
	// wantRepeated fails the test unless err is the answer of first about i.
	wantRepeated := func(t *testing.T, err error, first *instance.Idempotency, i instance.Instance) {
		t.Helper()
		var repeated *instance.RepeatedError
		if !errors.As(err, &repeated) {
			t.Fatalf("error is %v, want a repeated one", err)
		}
		answer, _ := first.Answer(i)
		if repeated.Fingerprint != first.Fingerprint || string(repeated.Answer) != string(answer) {
			t.Fatalf("recorded is %q %q, want %q %q", repeated.Fingerprint, repeated.Answer, first.Fingerprint, answer)
		}
	}
	// told adds to record that the instance which it tells is stored in given.
	told := func(record *instance.Idempotency, given *instance.Instance) *instance.Idempotency {
		answer := record.Answer
		record.Answer = func(i instance.Instance) ([]byte, error) {
			*given = i
			return answer(i)
		}
		return record
	}

	for name, write := range keyedWrites() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := start(t, open)
			i := f.create(t, instance.Instance{Kind: idKind(), Collection: "c", ID: "x", Code: "code", Name: "n"})
			var given instance.Instance
			first := told(record(f, "k", "first"), &given)
			if err := write(f, i, first); err != nil {
				t.Fatal(err)
			}
			answered := given
			if name == "delete" {
				wantInstance(t, answered, i)
			} else {
				wantInstance(t, answered, f.get(t, answered.Key()))
			}
			events := len(f.history(t, answered.Key()))
			again := record(f, "k", "again")
			wantRepeated(t, write(f, i, again), first, answered)
			if n := len(f.history(t, answered.Key())); n != events {
				t.Errorf("%d events, want %d", n, events)
			}

			// What is stored may have changed since.
			if name == "delete" {
				f.create(t, i)
				wantRepeated(t, f.Delete(t.Context(), i.Key(), f.change("delete"), again, nil), first, answered)
			} else {
				f.replace(t, i.Key(), func(i *instance.Instance) { i.Status = "changed" })
			}
			now := f.get(t, i.Key())
			wantRepeated(t, write(f, i, again), first, answered)
			wantInstance(t, f.get(t, i.Key()), now)
			if name != "create" {
				f.remove(t, i.Key())
				wantRepeated(t, write(f, i, again), first, answered)
			}

			f.clock.advance(25 * time.Hour)
			var repeated *instance.RepeatedError
			if err := write(f, i, record(f, "k", "later")); err == nil || errors.As(err, &repeated) {
				t.Errorf("after a day: %v", err)
			}
		})

		t.Run(name+" that cannot be answered", func(t *testing.T) {
			t.Parallel()
			f := start(t, open)
			i := f.create(t, instance.Instance{Kind: idKind(), Collection: "c", ID: "x", Code: "code", Name: "n"})
			broken, fault := record(f, "k", "broken"), errors.New("fault")
			broken.Answer = func(instance.Instance) ([]byte, error) { return nil, fault }
			wantError(t, write(f, i, broken), fault)
			wantInstance(t, f.get(t, i.Key()), i)
			if err := write(f, i, record(f, "k", "whole")); err != nil {
				t.Error(err)
			}
		})

		t.Run(name+" in parallel", func(t *testing.T) {
			t.Parallel()
			f := start(t, open)
			i := f.create(t, instance.Instance{Kind: idKind(), Collection: "c", ID: "x", Code: "code", Name: "n"})
			records, given := make([]*instance.Idempotency, 8), make([]instance.Instance, 8)
			errs := parallel(len(records), func(k int) error {
				records[k] = told(record(f, "k", strconv.Itoa(k)), &given[k])
				return write(f, i, records[k])
			})
			winner := slices.Index(errs, nil)
			if winner < 0 {
				t.Fatalf("none succeeded: %v", errs)
			}
			answered := given[winner]
			for k, err := range errs {
				if k != winner {
					wantRepeated(t, err, records[winner], answered)
				}
			}
			events := 2
			if name == "create" || name == "update of nothing" {
				events = 1
			}
			if n := len(f.history(t, answered.Key())); n != events {
				t.Errorf("%d events, want %d", n, events)
			}
		})
	}

	t.Run("replay", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		idem := record(f, "k", "first")
		first := f.fresh(instance.Instance{Kind: idKind(), Collection: "c", ID: "x", Code: "code"})
		if err := f.Create(t.Context(), first, f.change("create"), idem); err != nil {
			t.Fatal(err)
		}
		again := record(f, "k", "other")
		// It takes precedence over a taken ID and a taken code, and applies when
		// nothing else is in the way.
		for _, i := range []instance.Instance{
			first,
			{Kind: idKind(), Collection: "c", ID: "x", Code: "other"},
			{Kind: idKind(), Collection: "c", ID: "y", Code: "CODE"},
			{Kind: idKind(), Collection: "c", ID: "y"},
		} {
			wantRepeated(t, f.Create(t.Context(), f.fresh(i), f.change("create"), again), idem, first)
		}
		wantInstance(t, f.get(t, first.Key()), first)
		_, err := f.Get(t.Context(), named("c", "y").Key())
		wantError(t, err, instance.ErrNotFound)
		if n := len(f.history(t, first.Key())); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
		// It outlives the instance.
		f.remove(t, first.Key())
		wantRepeated(t, f.Create(t.Context(), f.fresh(first), f.change("create"), again), idem, first)
	})

	t.Run("only successes are recorded", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		f.create(t, instance.Instance{Kind: idKind(), Collection: "c", ID: "x", Code: "code"})
		idem := record(f, "k", "first")
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
			idem := record(f, "", "first")
			idem.Owner, idem.Route, idem.Key = key[0], key[1], key[2]
			i := f.fresh(named("c", strconv.Itoa(n)))
			if err := f.Create(t.Context(), i, f.change("create"), idem); err != nil {
				t.Errorf("%q: %v", key, err)
			}
			wantRepeated(t, f.Create(t.Context(), i, f.change("create"), idem), idem, i)
		}
	})

	t.Run("expired is absent", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		first := record(f, "k", "first")
		if err := f.Create(t.Context(), f.fresh(named("c", "x")), f.change("create"), first); err != nil {
			t.Fatal(err)
		}
		f.clock.advance(25 * time.Hour)
		second := record(f, "k", "second")
		wantError(t, f.Create(t.Context(), f.fresh(named("c", "x")), f.change("create"), second), instance.ErrExists)
		y := f.fresh(named("c", "y"))
		if err := f.Create(t.Context(), y, f.change("create"), second); err != nil {
			t.Fatal(err)
		}
		wantRepeated(t, f.Create(t.Context(), f.fresh(named("c", "z")), f.change("create"), first), second, y)
	})

	t.Run("only successful updates and deletes are recorded", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		i := f.create(t, instance.Instance{Kind: idKind(), Collection: "c", ID: "x"})
		f.create(t, instance.Instance{Kind: idKind(), Collection: "c", ID: "y", Code: "taken"})
		idem := record(f, "k", "first")
		update := func(key instance.Key, modify func(*instance.Instance) error) error {
			_, err := f.Update(t.Context(), key, f.change("patch"), idem, func(i instance.Instance) (instance.Instance, error) {
				err := modify(&i)
				return i, err
			})
			return err
		}
		refused := errors.New("refused")
		wantError(t, update(named("c", "none").Key(), func(*instance.Instance) error { return nil }), instance.ErrNotFound)
		wantError(t, update(i.Key(), func(*instance.Instance) error { return refused }), refused)
		wantError(t, update(i.Key(), func(i *instance.Instance) error { i.Code = "Taken"; return nil }), instance.ErrCodeTaken)
		wantError(t, update(i.Key(), func(i *instance.Instance) error {
			*i = sized(*i, instance.MaxStoredBytes+1)
			return nil
		}), instance.ErrTooLarge)
		stale := i
		stale.Version++
		_, err := f.Replace(t.Context(), stale, i, f.change("replace"), idem)
		wantError(t, err, instance.ErrConflict)
		wantError(t, f.Delete(t.Context(), named("c", "none").Key(), f.change("delete"), idem, nil), instance.ErrNotFound)
		wantError(t, f.Delete(t.Context(), i.Key(), f.change("delete"), idem, func(instance.Instance) error { return refused }), refused)
		if err := update(i.Key(), func(i *instance.Instance) error { i.Name = "new"; return nil }); err != nil {
			t.Fatal(err)
		}
		// From now on each of them is a repetition, even one that is too large.
		i = f.get(t, i.Key())
		wantRepeated(t, update(named("c", "none").Key(), func(*instance.Instance) error { return nil }), idem, i)
		wantRepeated(t, update(i.Key(), func(*instance.Instance) error { return refused }), idem, i)
		wantRepeated(t, update(i.Key(), func(i *instance.Instance) error {
			*i = sized(*i, instance.MaxStoredBytes+1)
			return nil
		}), idem, i)
	})
}
