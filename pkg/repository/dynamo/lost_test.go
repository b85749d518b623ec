package dynamo_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"instances/pkg/auth"
	"instances/pkg/instance"
)

func containsAll(text string, parts ...string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// A write whose response is lost takes effect once, and is no error. Once
// with the engine's own memory of tokens, and once as if that had forgotten:
// then only the marker tells that the write refuses itself.
func TestLostResponses(t *testing.T) {
	t.Parallel()
	for _, forgets := range []bool{false, true} {
		t.Run(fmt.Sprintf("tokens forgotten %v", forgets), func(t *testing.T) {
			t.Parallel()
			f := newNamesFixture(t)
			f.prepare(t)
			for _, action := range writes() {
				f.loseFirst(t, forgets, nil)
				if err := action.run(t.Context(), f); err != nil {
					t.Errorf("%s: %v", action.name, err)
				}
			}
			f.wantHistories(t)
			checkNames(t, f.table, "numbered")
			if back, err := f.other.Get(t.Context(), f.deleted.Key()); err != nil || back.Version != 2 {
				t.Errorf("restored is %+v, %v", back, err)
			}
			names := []string{}
			for c, err := range f.other.Credentials(t.Context()) {
				must(t, err)
				names = append(names, fmt.Sprint(c.Name, c.RevokedAt.IsZero()))
			}
			if got := fmt.Sprint(names); got != "[newtrue oldfalse]" {
				t.Errorf("keys are %s", got)
			}
		})
	}
}

// loseFirst loses the first response of each operation that writes, and then
// calls lost, if given. If forgets, each request has a token of its own.
func (f *fixture) loseFirst(t *testing.T, forgets bool, lost func()) {
	var mu sync.Mutex
	seen := map[string]bool{}
	f.wire.inject(func(c call) (*http.Response, error) {
		mu.Lock()
		first := !seen[c.Operation]
		seen[c.Operation] = true
		mu.Unlock()
		body := maps.Clone(c.Body)
		if forgets && body["ClientRequestToken"] != nil {
			body["ClientRequestToken"] = rand.Text()
		}
		response, err := c.passAs(t, body)
		if !first || err != nil {
			return response, err
		}
		_ = response.Body.Close()
		if lost != nil {
			lost()
		}
		return nil, errors.New("connection reset by peer")
	})
}

// Another writer may be faster than the second attempt. The first still was a
// success, and is not reported as a conflict.
func TestLostResponseThenOtherWriter(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	i := f.create(t, 1)
	f.loseFirst(t, true, func() {
		_, err := f.other.Update(t.Context(), i.Key(), f.change("other"), nil, func(i instance.Instance) (instance.Instance, error) {
			i.Status += "other"
			return i, nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	after := i
	after.Status = "first, "
	if stored, err := f.Replace(t.Context(), i, after, f.change("replace"), nil); err != nil || stored.Version != 2 {
		t.Fatalf("replace: version %d, %v", stored.Version, err)
	}
	got, err := f.other.Get(t.Context(), i.Key())
	if err != nil || got.Version != 3 || got.Status != "first, other" {
		t.Errorf("instance is %+v, %v", got, err)
	}
}

// A replace that meets another one is a conflict, not its own success.
func TestConflictIsNotOwnSuccess(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	i := f.create(t, 1)
	after := i
	after.Status = "same"
	must(t, failure(f.other.Replace(t.Context(), i, after, f.change("replace"), nil)))
	f.loseFirst(t, true, nil)
	if _, err := f.Replace(t.Context(), i, after, f.change("replace"), nil); !errors.Is(err, instance.ErrConflict) {
		t.Errorf("error is %v, want %v", err, instance.ErrConflict)
	}
	if got := f.operations(t, i.Key()); got != "[replace create]" {
		t.Errorf("history is %s", got)
	}
}

// transactional are the writes that are one transaction.
func transactional() []action {
	var all []action
	for _, action := range writes() {
		if !strings.Contains(action.name, "number") && !strings.Contains(action.name, "touch") {
			all = append(all, action)
		}
	}
	return all
}

// state returns all that the actions may change, as one text.
func (f *fixture) state(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, n := range []int64{1, 2, 77} {
		key := f.fresh(n).Key()
		i, err := f.other.Get(t.Context(), key)
		fmt.Fprintln(&b, n, i.Version, i.Name, i.Code, err, f.operations(t, key))
	}
	for _, id := range []string{"stored", "deleted", "new"} {
		key := f.freshTimed(id).Key()
		i, err := f.other.Get(t.Context(), key)
		fmt.Fprintln(&b, id, i.Version, errors.Is(err, instance.ErrNotFound), f.operations(t, key))
	}
	for _, key := range []string{"create", "update", "nothing", "delete"} {
		repeated, _ := errors.AsType[*instance.RepeatedError](f.other.Recorded(t.Context(), *keyed(key)))
		fmt.Fprintln(&b, key, repeated != nil)
	}
	data, err := f.other.Document(t.Context(), "document")
	fmt.Fprintln(&b, string(data), err)
	for c, err := range f.other.Credentials(t.Context()) {
		fmt.Fprintln(&b, c.Name, c.RevokedAt.IsZero(), err)
	}
	for _, secret := range []string{"old", "new", "ended"} {
		c, err := f.other.Credential(t.Context(), auth.Hash(secret))
		fmt.Fprintln(&b, c.RevokedAt.IsZero(), err)
	}
	later := time.Now().Add(2 * time.Hour)
	for c, err := range f.other.EndedCredentials(t.Context(), later) {
		fmt.Fprintln(&b, "ended", c.Name, c.RevokedAt.IsZero(), err)
	}
	for d, err := range f.other.Deleted(t.Context(), numbered(), time.Time{}) {
		fmt.Fprintln(&b, "deleted", d.ID, err)
	}
	fmt.Fprintln(&b, f.operations(t, f.trashed.Key()))
	unused, err := f.other.Tidy(t.Context(), kinds(), later.Add(24*time.Hour), 0)
	fmt.Fprintln(&b, "unused", unused, err)
	return b.String()
}

// A write that took effect, but whose response did not come in time, is found
// out to be a success.
func TestTimeOverAfterEffect(t *testing.T) {
	t.Parallel()
	f := newNamesFixture(t)
	f.prepare(t)
	for _, action := range transactional() {
		t.Run(action.name, func(t *testing.T) {
			f.wire.inject(nil)
			before := f.state(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			f.wire.inject(func(c call) (*http.Response, error) {
				response, err := c.pass()
				if c.Operation == "TransactWriteItems" && isWork(c) && err == nil {
					_ = response.Body.Close()
					cancel()
					return nil, ctx.Err()
				}
				return response, err
			})
			if err := action.run(ctx, f); err != nil {
				t.Errorf("error is %v, but it took effect", err)
			}
			f.wire.inject(nil)
			after := f.state(t)
			if after == before {
				t.Error("it had no effect")
			}
			if strings.Contains(action.name, "idempotency key") {
				// So is one that was never answered, by the same request.
				err := action.run(t.Context(), f)
				if _, repeated := errors.AsType[*instance.RepeatedError](err); !repeated {
					t.Errorf("sent again: error is %v", err)
				}
				if again := f.state(t); again != after {
					t.Errorf("sent again, it had an effect:\n%s\nwas\n%s", again, after)
				}
			}
			checkNames(t, f.table, "numbered")
		})
	}
}

// isWork reports whether the call is the transaction of an action, and not
// one that enters a collection or settles.
func isWork(c call) bool {
	items, _ := c.Body["TransactItems"].([]any)
	return len(items) > 1
}

// A write that did not arrive in time has not happened, and does
// not happen later: the error says that nothing was changed, so nothing may.
func TestTimeOverBeforeEffect(t *testing.T) {
	t.Parallel()
	f := newNamesFixture(t)
	f.prepare(t)
	for _, action := range transactional() {
		t.Run(action.name, func(t *testing.T) {
			f.wire.inject(nil)
			before := f.state(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var held []call
			f.wire.inject(func(c call) (*http.Response, error) {
				if c.Operation == "TransactWriteItems" && isWork(c) {
					held = append(held, c)
					cancel()
					return nil, ctx.Err()
				}
				return c.pass()
			})
			if err := action.run(ctx, f); !errors.Is(err, instance.ErrUnavailable) {
				t.Errorf("error is %v, want %v", err, instance.ErrUnavailable)
			}
			if len(held) == 0 {
				t.Fatal("no write was sent")
			}
			// Now they arrive.
			for _, c := range held {
				c.Request = c.WithContext(t.Context())
				response, err := c.pass()
				must(t, err)
				if response.StatusCode == http.StatusOK {
					t.Errorf("a write that arrived late was accepted")
				}
				_ = response.Body.Close()
			}
			if after := f.state(t); after != before {
				t.Errorf("it took effect after all:\n%s\nwas\n%s", after, before)
			}
			checkNames(t, f.table, "numbered")
			// Nobody else is hindered by what is left of it.
			f.wire.inject(nil)
			if err := action.run(t.Context(), f); err != nil {
				t.Errorf("the next try: %v", err)
			}
		})
	}
}

// Losing the response of what settles a write changes nothing about what is
// found out: its own trace is not taken for that of the write.
func TestSettlingLosesResponse(t *testing.T) {
	t.Parallel()
	f := newNamesFixture(t)
	f.prepare(t)
	for _, action := range transactional() {
		t.Run(action.name, func(t *testing.T) {
			f.wire.inject(nil)
			before := f.state(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			settling := 0
			f.wire.inject(func(c call) (*http.Response, error) {
				if c.Operation != "TransactWriteItems" || ctx.Err() == nil && !isWork(c) {
					return c.pass()
				}
				if isWork(c) {
					cancel()
					return nil, ctx.Err()
				}
				body := maps.Clone(c.Body)
				body["ClientRequestToken"] = rand.Text()
				response, err := c.passAs(t, body)
				if settling++; settling == 1 && err == nil {
					_ = response.Body.Close()
					return nil, errors.New("connection reset by peer")
				}
				return response, err
			})
			if err := action.run(ctx, f); !errors.Is(err, instance.ErrUnavailable) {
				t.Errorf("error is %v, want %v", err, instance.ErrUnavailable)
			}
			if settling != 2 {
				t.Errorf("settled by %d calls, want 2", settling)
			}
			if after := f.state(t); after != before {
				t.Errorf("state is\n%s\nwas\n%s", after, before)
			}
			checkNames(t, f.table, "numbered")
		})
	}
}

// Where not even that can be found out, the error does not claim that nothing
// was changed, and comes within the time of the request.
func TestOutcomeUnknown(t *testing.T) {
	t.Parallel()
	const patience = 8 * time.Second
	for _, action := range writes() {
		// One with a history record, one with a marker of its own.
		if action.name != "replace" && action.name != "create key" && action.name != "purge" {
			continue
		}
		t.Run(action.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, _ := still(func(call) (*http.Response, error) { return nil, errors.New("connection reset by peer") })
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				begin := time.Now()
				err := action.run(ctx, f)
				if err == nil || errors.Is(err, instance.ErrUnavailable) || !strings.Contains(err.Error(), "outcome unknown") {
					t.Errorf("error is %v", err)
				}
				if took := time.Since(begin); took > patience {
					t.Errorf("it took %v of %v", took, patience)
				}
			})
		})
	}
}
