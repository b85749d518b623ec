package dynamo_test

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"instances/pkg/instance"
)

// lag answers queries of indexes as they were answered before, where they
// were, and otherwise, if it knows nothing, as if nothing were there.
type lag struct {
	mu      sync.Mutex
	answers map[string][]byte
	frozen  bool
}

func (l *lag) fault(c call) (*http.Response, error) {
	if c.Body["IndexName"] == nil {
		return c.pass()
	}
	key := fmt.Sprint(c.Body["IndexName"], c.Body["ExpressionAttributeValues"])
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.frozen {
		if was, ok := l.answers[key]; ok {
			response, err := c.answer(http.StatusOK, nil)
			if err == nil {
				response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(was)), int64(len(was))
			}
			return response, err
		}
		return c.answer(http.StatusOK, map[string]any{"Items": []any{}, "Count": 0, "ScannedCount": 0})
	}
	response, err := c.pass()
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	l.answers[key] = body
	response.Body = io.NopCloser(bytes.NewReader(body))
	return response, nil
}

// An index that lags behind names instances that are gone, have changed or
// have another code, and does not name new ones. No answer is stale for that,
// and a code is found as soon as its write returned.
func TestIndexLag(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	f.create(t, 6) // The texts of each: code-N, group, sub, "name N".
	l := &lag{answers: map[string][]byte{}}
	f.wire.inject(l.fault)
	queries := []instance.Query{
		{Code: "code-1"},
		{Code: "code-2"},
		{Code: "code-3"},
		{Code: "code-4"},
		{Group: "group"},
		{Group: "group", SubGroup: "sub"},
		{Name: "name"},
		{SubGroup: "sub"},
		{Name: "name", Group: "group"},
		{Group: "moved"},
		{Status: "created"},
		{Status: "moved"},
		{Status: "created", Group: "group"},
		{Status: "created", SubGroup: "sub"},
		{Status: "created", Name: "name"},
	}
	for n := range queries {
		queries[n].Kind = numbered()
		ids(t, f.Search(ctx, queries[n]))
	}
	// From here on the indexes know nothing new.
	l.mu.Lock()
	l.frozen = true
	l.mu.Unlock()

	key := func(n int64) instance.Key { return f.fresh(n).Key() }
	must(t, f.other.Delete(ctx, key(1), f.change("delete"), nil, nil))
	for n, modify := range map[int64]func(*instance.Instance){
		2: func(i *instance.Instance) { i.Group, i.SubGroup, i.Name, i.Code = "moved", "moved", "moved", "moved" },
		4: func(i *instance.Instance) { i.Group, i.SubGroup, i.Name = "", "", "" },
		6: func(i *instance.Instance) { i.Status = "moved" },
	} {
		_, err := f.other.Update(ctx, key(n), f.change("patch"), nil, func(i instance.Instance) (instance.Instance, error) {
			modify(&i)
			return i, nil
		})
		must(t, err)
	}
	// The codes of the deleted and of the moved one are given again, and one
	// is wholly new.
	again := f.fresh(7)
	again.Code, again.Group, again.SubGroup, again.Name, again.Status = "Code-1", "", "", "", ""
	taken := f.fresh(9)
	taken.Code, taken.Group, taken.SubGroup, taken.Name = "code-2", "", "", ""
	for _, i := range []instance.Instance{again, f.fresh(8), taken} {
		must(t, f.other.Create(ctx, i, f.change("create"), nil))
	}
	for _, test := range []struct {
		q    instance.Query
		want string
	}{
		{instance.Query{Code: "code-1"}, "[7]"},
		{instance.Query{Code: "code-2"}, "[9]"},
		{instance.Query{Code: "code-3"}, "[3]"},
		{instance.Query{Code: "code-4"}, "[4]"},
		{instance.Query{Code: "moved"}, "[2]"},
		{instance.Query{Code: "code-8"}, "[8]"},
		{instance.Query{Code: "code-8", Group: "group"}, "[8]"},
		{instance.Query{Code: "code-8", Group: "other"}, "[]"},
		{instance.Query{Code: "code-8", After: after(instance.Block(8), "8")}, "[]"},
		{instance.Query{Code: "code-8", Collections: []string{instance.Block(20_000)}}, "[]"},
		// The new one may be missed by these, the others not.
		{instance.Query{Group: "group"}, "[3 5 6]"},
		{instance.Query{Group: "group", SubGroup: "sub"}, "[3 5 6]"},
		{instance.Query{Name: "name"}, "[3 5 6]"},
		{instance.Query{SubGroup: "sub"}, "[3 5 6]"},
		{instance.Query{Name: "name", Group: "group"}, "[3 5 6]"},
		{instance.Query{Status: "created"}, "[2 3 4 5]"},
		{instance.Query{Status: "created", Group: "group"}, "[3 5]"},
		{instance.Query{Status: "created", SubGroup: "sub"}, "[3 5]"},
		{instance.Query{Status: "created", Name: "name"}, "[3 5]"},
		{instance.Query{Status: "moved"}, "[]"},
		{instance.Query{Status: "moved", Code: "code-6"}, "[6]"},
		{instance.Query{Status: "created", Code: "code-6"}, "[]"},
		{instance.Query{}, "[2 3 4 5 6 7 8 9]"},
	} {
		test.q.Kind = numbered()
		if got := ids(t, f.Search(ctx, test.q)); got != test.want {
			t.Errorf("%+v finds %s, want %s", test.q, got, test.want)
		}
	}
}

// An index of what is idle that lags behind names instances that are gone, in
// use, or were seen since. None of them is taken for idle.
func TestIdleIndexLag(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	for _, id := range []string{"deleted", "heard", "used", "later", "again", "still"} {
		must(t, f.other.Create(ctx, f.freshTimed(id), f.change("create"), nil))
	}
	before := f.change("").At.Add(time.Hour)
	l := &lag{answers: map[string][]byte{}}
	f.wire.inject(l.fault)
	if got := len(strings.Fields(ids(t, f.Idle(ctx, timed(), before)))); got != 6 {
		t.Fatalf("%d are idle", got)
	}
	l.mu.Lock()
	l.frozen = true
	l.mu.Unlock()

	key := func(id string) instance.Key { return f.freshTimed(id).Key() }
	since := func(id string, at time.Time) {
		t.Helper()
		_, err := f.other.Update(ctx, key(id), f.change("patch"), nil, func(i instance.Instance) (instance.Instance, error) {
			i.IdleSince = at
			return i, nil
		})
		must(t, err)
	}
	since("used", time.Time{})
	since("later", before)
	for _, id := range []string{"deleted", "again"} {
		must(t, f.other.Delete(ctx, key(id), f.change("delete"), nil, nil))
	}
	again := f.freshTimed("again")
	again.IdleSince = time.Time{}
	must(t, f.other.Create(ctx, again, f.change("create"), nil))
	must(t, f.other.Touch(ctx, key("heard"), before.Add(24*time.Hour)))
	must(t, f.other.Create(ctx, f.freshTimed("new"), f.change("create"), nil))
	if got := ids(t, f.Idle(ctx, timed(), before)); got != "[still]" {
		t.Errorf("%s are idle", got)
	}
}

// What DynamoDB leaves out of a batch is asked for again, and nothing is lost
// or out of order.
func TestUnprocessedKeys(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.create(t, 9)
	batches := 0
	f.wire.inject(func(c call) (*http.Response, error) {
		if c.Operation != "BatchGetItem" {
			return c.pass()
		}
		batches++
		tables := c.Body["RequestItems"].(map[string]any)
		asked := tables[f.table.Name].(map[string]any)
		keys := asked["Keys"].([]any)
		// Nothing at first, then the last two each time.
		some := 0
		if batches > 1 {
			some = min(2, len(keys))
		}
		answer := map[string]any{"Responses": map[string]any{f.table.Name: []any{}}}
		if some > 0 {
			body, part := maps.Clone(c.Body), maps.Clone(asked)
			part["Keys"] = keys[len(keys)-some:]
			body["RequestItems"] = map[string]any{f.table.Name: part}
			response, err := c.passAs(t, body)
			if err != nil {
				return nil, err
			}
			answer = read(t, response)
		}
		if rest := keys[:len(keys)-some]; len(rest) > 0 {
			part := maps.Clone(asked)
			part["Keys"] = rest
			answer["UnprocessedKeys"] = map[string]any{f.table.Name: part}
		}
		return c.answer(http.StatusOK, answer)
	})
	got := ids(t, f.Search(t.Context(), instance.Query{Kind: numbered(), Group: "group"}))
	if got != "[1 2 3 4 5 6 7 8 9]" {
		t.Errorf("found %s", got)
	}
	if batches != 6 {
		t.Errorf("%d batches, want 6", batches)
	}
}

// Keys that are never processed are a lack of time, and no empty answer.
func TestUnprocessedKeysForEver(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.create(t, 1)
	f.wire.inject(func(c call) (*http.Response, error) {
		if c.Operation != "BatchGetItem" {
			return c.pass()
		}
		return c.answer(http.StatusOK, map[string]any{
			"Responses": map[string]any{}, "UnprocessedKeys": c.Body["RequestItems"],
		})
	})
	wantUnavailable(t, f, instance.Query{Kind: numbered(), Group: "group"})
}
