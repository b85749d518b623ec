package repositorytest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"instances/pkg/app"
	"instances/pkg/instance"
)

// numberKind is the kind of the tests whose ids are numbers.
func numberKind() instance.Kind {
	return instance.Kind{Name: "numbered", Order: instance.OrderNumber, NameSearch: true}
}

// idKind is the kind of the tests whose ids are texts.
func idKind() instance.Kind {
	return instance.Kind{Name: "named", Order: instance.OrderID, NameSearch: true}
}

// fixture is the repository of one test, with its clock.
type fixture struct {
	app.OperatorRepository
	clock   *clock
	changes atomic.Int64
}

// clock is a clock that tests move. It is safe for concurrent use.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now returns the time that the clock shows.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// advance moves the clock and returns the new time.
func (c *clock) advance(d time.Duration) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	return c.now
}

// start opens a repository that keeps its history forever.
func start(t *testing.T, open Opener) *fixture {
	t.Helper()
	return startKeeping(t, open, 0)
}

// startKeeping opens a repository that keeps its history for that long.
func startKeeping(t *testing.T, open Opener, retention time.Duration) *fixture {
	t.Helper()
	c := &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC)}
	return &fixture{OperatorRepository: open(t, Options{Now: c.Now, HistoryRetention: retention}), clock: c}
}

// change returns a change that is later than all before, with a request id of
// its own.
func (f *fixture) change(operation string) instance.Change {
	return instance.Change{
		By: "tester", Owner: "test owner", At: f.clock.advance(1001 * time.Millisecond),
		RequestID: fmt.Sprintf("request-%d", f.changes.Add(1)), Operation: operation,
	}
}

// fresh completes an instance for a create, as a dialect does.
func (f *fixture) fresh(i instance.Instance) instance.Instance {
	i.Version, i.Incarnation = 1, instance.NewIncarnation()
	i.CreatedAt = f.clock.Now()
	i.UpdatedAt = i.CreatedAt
	if i.Owner == "" {
		i.Owner = "test owner"
	}
	return i
}

// create completes i and creates it.
func (f *fixture) create(t *testing.T, i instance.Instance) instance.Instance {
	t.Helper()
	change := f.change("create")
	i = f.fresh(i)
	if err := f.Create(t.Context(), i, change, nil); err != nil {
		t.Fatalf("Create(%v): %v", i.Key(), err)
	}
	return i
}

// createNumbered gives i the next number and creates it.
func (f *fixture) createNumbered(t *testing.T, i instance.Instance) instance.Instance {
	t.Helper()
	n, err := f.NextNumber(t.Context(), numberKind())
	if err != nil {
		t.Fatalf("NextNumber: %v", err)
	}
	return f.create(t, numbered(n, i))
}

// numbered gives i its place as number n of numberKind.
func numbered(n int64, i instance.Instance) instance.Instance {
	i.Kind, i.Collection, i.ID = numberKind(), instance.Block(n), strconv.FormatInt(n, 10)
	return i
}

// named returns a place in idKind.
func named(collection, id string) instance.Instance {
	return instance.Instance{Kind: idKind(), Collection: collection, ID: id}
}

// get reads an instance that must be there.
func (f *fixture) get(t *testing.T, key instance.Key) instance.Instance {
	t.Helper()
	i, err := f.Get(t.Context(), key)
	if err != nil {
		t.Fatalf("Get(%v): %v", key, err)
	}
	return i
}

// replace writes what modify makes of the stored instance.
func (f *fixture) replace(t *testing.T, key instance.Key, modify func(*instance.Instance)) instance.Instance {
	t.Helper()
	before := f.get(t, key)
	after := before
	modify(&after)
	stored, err := f.Replace(t.Context(), before, after, f.change("replace"), nil)
	if err != nil {
		t.Fatalf("Replace(%v): %v", key, err)
	}
	return stored
}

// remove deletes an instance that must be there.
func (f *fixture) remove(t *testing.T, key instance.Key) {
	t.Helper()
	if err := f.Delete(t.Context(), key, f.change("delete"), nil, nil); err != nil {
		t.Fatalf("Delete(%v): %v", key, err)
	}
}

// search returns the answers to q.
func (f *fixture) search(t *testing.T, q instance.Query) []instance.Instance {
	t.Helper()
	return collect(t, f.Search(t.Context(), q))
}

// ids returns the ids of the answers to q.
func (f *fixture) ids(t *testing.T, q instance.Query) []string {
	t.Helper()
	ids := []string{}
	for _, i := range f.search(t, q) {
		ids = append(ids, i.ID)
	}
	return ids
}

// history returns the whole history of key.
func (f *fixture) history(t *testing.T, key instance.Key) []instance.Event {
	t.Helper()
	return collect(t, f.History(t.Context(), instance.HistoryQuery{Key: key}))
}

// collect returns what seq yields, and fails the test on an error.
func collect[V any](t *testing.T, seq iter.Seq2[V, error]) []V {
	t.Helper()
	var all []V
	for v, err := range seq {
		if err != nil {
			t.Fatalf("after %d answers: %v", len(all), err)
		}
		all = append(all, v)
	}
	return all
}

// wantError fails the test unless err is target.
func wantError(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("error is %v, want %v", err, target)
	}
}

// wantInstance fails the test unless got and want are the same in every
// field.
func wantInstance(t *testing.T, got, want instance.Instance) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("instance is\n%+v, want\n%+v", got, want)
	}
}

// wantEvents fails the test unless got and want are the same events; field
// values are compared as JSON.
func wantEvents(t *testing.T, got, want []instance.Event) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d events, want %d:\n%+v", len(got), len(want), got)
	}
	for n := range got {
		g, w := got[n], want[n]
		if g.Position == "" {
			t.Fatalf("event %d has no position", n)
		}
		g.Position = w.Position
		gotFields, wantFields := fieldTexts(t, g.Fields), fieldTexts(t, w.Fields)
		g.Fields, w.Fields = nil, nil
		if !reflect.DeepEqual(g, w) {
			t.Fatalf("event %d is\n%+v, want\n%+v", n, g, w)
		}
		if !reflect.DeepEqual(gotFields, wantFields) {
			t.Fatalf("event %d changes\n%q, want\n%q", n, gotFields, wantFields)
		}
	}
}

// fieldTexts writes each change as "field: old -> new" with compact JSON.
func fieldTexts(t *testing.T, fields []instance.FieldChange) []string {
	t.Helper()
	texts := []string{}
	for _, c := range fields {
		texts = append(texts, fmt.Sprintf("%s: %s -> %s", c.Field, compact(t, c.Old), compact(t, c.New)))
	}
	return texts
}

// compact returns v in one spelling, or "" where there is none.
func compact(t *testing.T, v json.RawMessage) string {
	t.Helper()
	if v == nil {
		return ""
	}
	var b, escaped bytes.Buffer
	if err := json.Compact(&b, v); err != nil {
		t.Fatalf("no JSON value: %q", v)
	}
	json.HTMLEscape(&escaped, b.Bytes())
	return escaped.String()
}

// parallel runs n calls at once and returns their errors, in order of the
// calls.
func parallel(n int, call func(k int) error) []error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for k := range n {
		wg.Go(func() { errs[k] = call(k) })
	}
	wg.Wait()
	return errs
}

// wantOneWinner fails the test unless one call succeeded and every other
// failed with target. It returns the winner.
func wantOneWinner(t *testing.T, errs []error, target error) int {
	t.Helper()
	winner := -1
	for k, err := range errs {
		switch {
		case err == nil && winner >= 0:
			t.Fatalf("calls %d and %d both succeeded", winner, k)
		case err == nil:
			winner = k
		case !errors.Is(err, target):
			t.Fatalf("call %d: error is %v, want %v", k, err, target)
		}
	}
	if winner < 0 {
		t.Fatal("no call succeeded")
	}
	return winner
}
