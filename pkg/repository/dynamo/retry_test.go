package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"instances/pkg/auth"
	"instances/pkg/instance"
	"instances/pkg/repository/dynamo"
)

// action is one call of the repository, on what prepare stored.
type action struct {
	name string
	run  func(ctx context.Context, f *fixture) error
}

// writes are the calls that change something.
func writes() []action {
	return []action{
		{"next number", func(ctx context.Context, f *fixture) error { return failure(f.NextNumber(ctx, numbered())) }},
		{"reserve numbers", func(ctx context.Context, f *fixture) error { return f.ReserveNumbers(ctx, numbered(), 500) }},
		{"create", func(ctx context.Context, f *fixture) error {
			return f.Create(ctx, f.fresh(77), f.change("create"), nil)
		}},
		{"replace", func(ctx context.Context, f *fixture) error {
			after := f.live
			after.Name = "replaced"
			stored, err := f.Replace(ctx, f.live, after, f.change("replace"), nil)
			if err == nil {
				f.live = stored
			}
			return err
		}},
		{"update", func(ctx context.Context, f *fixture) error {
			return failure(f.Update(ctx, f.live.Key(), f.change("patch"), nil, func(i instance.Instance) (instance.Instance, error) {
				i.Code += "-patched"
				return i, nil
			}))
		}},
		{"update with idempotency key", func(ctx context.Context, f *fixture) error {
			return failure(f.Update(ctx, f.live.Key(), f.change("patch"), keyed("update"), func(i instance.Instance) (instance.Instance, error) {
				i.Group += "-patched"
				return i, nil
			}))
		}},
		{"update of nothing with idempotency key", func(ctx context.Context, f *fixture) error {
			return failure(f.Update(ctx, f.live.Key(), f.change("patch"), keyed("nothing"), func(i instance.Instance) (instance.Instance, error) {
				return i, nil
			}))
		}},
		{"touch", func(ctx context.Context, f *fixture) error { return f.Touch(ctx, f.live.Key(), f.change("").At) }},
		{"touch by pointer", func(ctx context.Context, f *fixture) error {
			return f.Touch(ctx, f.freshTimed("stored").Key(), f.change("").At)
		}},
		{"create with pointer and idempotency key", func(ctx context.Context, f *fixture) error {
			return f.Create(ctx, f.freshTimed("new"), f.change("create"), keyed("create"))
		}},
		{"delete with pointer and idempotency key", func(ctx context.Context, f *fixture) error {
			return f.Delete(ctx, f.freshTimed("stored").Key(), f.change("delete"), keyed("delete"), nil)
		}},
		{"restore with pointer", func(ctx context.Context, f *fixture) error {
			return failure(f.Restore(ctx, f.freshTimed("deleted").Key(), f.change("restore")))
		}},
		{"set document", func(ctx context.Context, f *fixture) error { return f.SetDocument(ctx, "document", []byte("new")) }},
		{"delete", func(ctx context.Context, f *fixture) error {
			return f.Delete(ctx, f.live.Key(), f.change("delete"), nil, nil)
		}},
		{"restore", func(ctx context.Context, f *fixture) error {
			return failure(f.Restore(ctx, f.deleted.Key(), f.change("restore")))
		}},
		{"create key", func(ctx context.Context, f *fixture) error {
			return f.CreateCredential(ctx, auth.Credential{Name: "new", Owner: "o", Hash: auth.Hash("new"), CreatedAt: time.Now()})
		}},
		{"revoke key", func(ctx context.Context, f *fixture) error {
			return failure(f.RevokeCredential(ctx, "old", time.Now()))
		}},
		{"purge", func(ctx context.Context, f *fixture) error { return f.Purge(ctx, f.trashed, f.change("purge")) }},
		{"purge key", func(ctx context.Context, f *fixture) error { return f.PurgeCredential(ctx, f.ended) }},
		{"tidy", func(ctx context.Context, f *fixture) error { return f.tidy(ctx, 1) }},
	}
}

// keyed returns the record of a write, whose answer is the state that it stores.
func keyed(key string) *instance.Idempotency {
	return &instance.Idempotency{
		Owner: "o", Route: "r", Key: key, Fingerprint: "f", ExpiresAt: time.Now().Add(time.Hour),
		Answer: func(i instance.Instance) ([]byte, error) { return []byte(i.Revision()), nil },
	}
}

// reads are the calls that change nothing.
func reads() []action {
	search := func(q instance.Query) func(context.Context, *fixture) error {
		q.Kind = numbered()
		return func(ctx context.Context, f *fixture) error { return drain(f.Search(ctx, q)) }
	}
	return []action{
		{"get", func(ctx context.Context, f *fixture) error { return failure(f.Get(ctx, f.live.Key())) }},
		{"get by pointer", func(ctx context.Context, f *fixture) error { return failure(f.Get(ctx, f.freshTimed("stored").Key())) }},
		{"document", func(ctx context.Context, f *fixture) error { return failure(f.Document(ctx, "document")) }},
		{"search by code", search(instance.Query{Code: "code-1"})},
		{"search by group", search(instance.Query{Group: "group"})},
		{"search by name", search(instance.Query{Name: "name"})},
		{"search by status", search(instance.Query{Status: "created"})},
		{"list", search(instance.Query{})},
		{"history", func(ctx context.Context, f *fixture) error {
			return drain(f.History(ctx, instance.HistoryQuery{Key: f.live.Key()}))
		}},
		{"key", func(ctx context.Context, f *fixture) error { return failure(f.Credential(ctx, auth.Hash("old"))) }},
		{"list keys", func(ctx context.Context, f *fixture) error { return drain(f.Credentials(ctx)) }},
		{"deleted", func(ctx context.Context, f *fixture) error { return drain(f.Deleted(ctx, numbered(), time.Time{})) }},
		{"idle", func(ctx context.Context, f *fixture) error { return drain(f.Idle(ctx, timed(), time.Now())) }},
		{"all", func(ctx context.Context, f *fixture) error {
			return drain(f.All(ctx, []instance.Kind{numbered(), timed()}, nil))
		}},
		{"ended keys", func(ctx context.Context, f *fixture) error { return drain(f.EndedCredentials(ctx, time.Now())) }},
		{"tidy nothing", func(ctx context.Context, f *fixture) error { return f.tidy(ctx, 0) }},
	}
}

// prepare stores what the actions work on: an instance and a deleted one,
// the same with pointers, a document and a key, and what there is to purge.
func (f *fixture) prepare(t *testing.T) {
	t.Helper()
	f.live, f.deleted = f.create(t, 1), f.create(t, 1)
	must(t, f.other.Delete(t.Context(), f.deleted.Key(), f.change("delete"), nil, nil))
	for _, id := range []string{"stored", "deleted"} {
		must(t, f.other.Create(t.Context(), f.freshTimed(id), f.change("create"), nil))
	}
	must(t, f.other.Delete(t.Context(), f.freshTimed("deleted").Key(), f.change("delete"), nil, nil))
	must(t, f.other.SetDocument(t.Context(), "document", []byte("old")))
	// The key that is to be revoked expires later.
	c := auth.Credential{Name: "old", Owner: "o", Hash: auth.Hash("old"), CreatedAt: f.change("").At, ExpiresAt: time.Now().Add(time.Hour)}
	for _, c := range []auth.Credential{c, f.ended} {
		must(t, f.other.CreateCredential(t.Context(), c))
	}
	f.ended = only(t, f.other.EndedCredentials(t.Context(), f.ended.ExpiresAt.Add(time.Second)))
	// The one that is to be purged was deleted first of all, and is alone in
	// its collection.
	early := f.change("delete")
	early.At = early.At.Add(-time.Hour)
	must(t, f.other.Create(t.Context(), f.trashed.Instance, f.change("create"), nil))
	must(t, f.other.Delete(t.Context(), f.trashed.Key(), early, nil, nil))
	f.trashed = only(t, f.other.Deleted(t.Context(), numbered(), early.At.Add(time.Millisecond)))
}

// wantHistories fails the test unless each of the writes has taken effect once.
func (f *fixture) wantHistories(t *testing.T) {
	t.Helper()
	for want, key := range map[string]instance.Key{
		"[delete patch patch replace create]": f.live.Key(),
		"[restore delete create]":             f.deleted.Key(),
		"[create]":                            f.fresh(77).Key(),
		"[delete create]":                     f.freshTimed("stored").Key(),
		"[purge delete create]":               f.trashed.Key(),
	} {
		if got := f.operations(t, key); got != want {
			t.Errorf("history of %s is %s, want %s", key, got, want)
		}
	}
}

// Each fault that passes is waited for: the call succeeds, once.
func TestPassingFaults(t *testing.T) {
	t.Parallel()
	for _, fault := range []struct {
		name  string
		every func(c call) (*http.Response, error)
	}{
		{"throttled", func(c call) (*http.Response, error) {
			if c.Operation == "TransactWriteItems" {
				return c.cancel("ThrottlingError")
			}
			return c.refuse(http.StatusBadRequest, "ThrottlingException")
		}},
		{"throughput exceeded", func(c call) (*http.Response, error) {
			if c.Operation == "TransactWriteItems" {
				return c.cancel("ProvisionedThroughputExceeded")
			}
			return c.refuse(http.StatusBadRequest, "ProvisionedThroughputExceededException")
		}},
		{"request limit", func(c call) (*http.Response, error) {
			return c.refuse(http.StatusBadRequest, "RequestLimitExceeded")
		}},
		{"conflict", func(c call) (*http.Response, error) {
			if c.Operation == "TransactWriteItems" {
				return c.cancel("TransactionConflict")
			}
			return c.refuse(http.StatusBadRequest, "TransactionConflictException")
		}},
		{"in progress", func(c call) (*http.Response, error) {
			return c.refuse(http.StatusBadRequest, "TransactionInProgressException")
		}},
		{"server fault", func(c call) (*http.Response, error) {
			return c.refuse(http.StatusInternalServerError, "InternalServerError")
		}},
		{"unavailable", func(c call) (*http.Response, error) {
			return c.answer(http.StatusServiceUnavailable, "not JSON that anybody knows")
		}},
		{"connection lost", func(call) (*http.Response, error) {
			return nil, errors.New("connection reset by peer")
		}},
	} {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.prepare(t)
			for _, action := range append(reads(), writes()...) {
				// Every other call fails, so that each of an action's does.
				var count atomic.Int64
				f.wire.inject(func(c call) (*http.Response, error) {
					if count.Add(1)%2 == 1 {
						return fault.every(c)
					}
					return c.pass()
				})
				if err := action.run(t.Context(), f); err != nil {
					t.Errorf("%s: %v", action.name, err)
				}
				if n := count.Load(); n < 2 {
					t.Errorf("%s: %d calls", action.name, n)
				}
			}
			f.wantHistories(t)
		})
	}
}

// still is a repository on a transport that answers by itself, for tests in
// a bubble of their own time.
func still(answer func(c call) (*http.Response, error)) (*fixture, *wire) {
	w := new(wire)
	w.fault = answer
	f := &fixture{Repository: dynamo.New(dynamo.Config{Client: w.client(), Table: "table"})}
	f.AssumeLayout()
	f.name()
	return f, w
}

// A fault that does not pass ends before the deadline, and the error says
// that another try is worth it.
func TestLastingFaults(t *testing.T) {
	t.Parallel()
	const patience = 2 * time.Second
	for _, action := range append(reads(), writes()...) {
		t.Run(action.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, w := still(call.busy)
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				begin := time.Now()
				err := action.run(ctx, f)
				if !errors.Is(err, instance.ErrUnavailable) {
					t.Fatalf("error is %v, want %v", err, instance.ErrUnavailable)
				}
				if took := time.Since(begin); took > patience || ctx.Err() != nil {
					t.Errorf("it took %v of %v", took, patience)
				}
				if n := len(w.sent()); n < 3 {
					t.Errorf("%d calls", n)
				}
			})
		})
	}
}

// Without a deadline the attempts are bounded.
func TestLastingFaultsWithoutDeadline(t *testing.T) {
	t.Parallel()
	for _, action := range append(reads(), writes()...) {
		t.Run(action.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, w := still(func(c call) (*http.Response, error) {
					return c.refuse(http.StatusBadRequest, "ThrottlingException")
				})
				err := action.run(t.Context(), f)
				if !errors.Is(err, instance.ErrUnavailable) {
					t.Fatalf("error is %v, want %v", err, instance.ErrUnavailable)
				}
				if n := len(w.sent()); n > 100 {
					t.Errorf("%d calls", n)
				}
			})
		})
	}
}

// Where no time is left nothing is sent.
func TestNoTime(t *testing.T) {
	t.Parallel()
	for _, action := range append(reads(), writes()...) {
		t.Run(action.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, w := still(func(call) (*http.Response, error) { return nil, errors.New("sent") })
				ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
				defer cancel()
				if err := action.run(ctx, f); !errors.Is(err, instance.ErrUnavailable) || len(w.sent()) != 0 {
					t.Errorf("%d calls, error is %v", len(w.sent()), err)
				}
			})
		})
	}
}

// A table that does not exist is a fault of the server, and no answer about
// what is stored.
func TestMissingTable(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.Repository = dynamo.New(dynamo.Config{Client: f.table.Client(nil), Table: f.table.Name + "-missing"})
	for _, action := range append(reads(), writes()...) {
		err := action.run(t.Context(), f)
		if err == nil {
			t.Errorf("%s succeeds", action.name)
		}
		for _, claim := range []error{
			instance.ErrNotFound, instance.ErrExists, instance.ErrCodeTaken, instance.ErrConflict,
			instance.ErrUnavailable, auth.ErrNoCredential, auth.ErrNameTaken,
		} {
			if errors.Is(err, claim) {
				t.Errorf("%s claims: %v", action.name, err)
			}
		}
	}
}

// What a fault is about must not be lost on the way to the log.
func TestUnavailableTellsItsCause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f, _ := still(func(call) (*http.Response, error) { return nil, errors.New("cable cut") })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := f.Get(ctx, f.fresh(1).Key())
		if text := fmt.Sprint(err); !errors.Is(err, instance.ErrUnavailable) || !containsAll(text, "GetItem", "cable cut") {
			t.Errorf("error is %q", text)
		}
	})
}
