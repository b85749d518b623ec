package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"instances/pkg/instance"
)

// wantUnavailable fails the test unless the search ends in one error, that
// its time was not enough, and finds nothing.
func wantUnavailable(t *testing.T, f *fixture, q instance.Query) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	var errs []error
	for i, err := range f.Search(ctx, q) {
		if err == nil {
			t.Errorf("finds %s", i.ID)
		} else {
			errs = append(errs, err)
		}
	}
	if len(errs) != 1 || !errors.Is(errs[0], instance.ErrUnavailable) {
		t.Errorf("errors are %v, want one %v", errs, instance.ErrUnavailable)
	}
}

// A search reads no page beyond what its limit, or its consumer, asks for.
func TestSearchReadsNoMore(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.create(t, 12)
	for _, test := range []struct {
		q     instance.Query
		calls string
	}{
		{instance.Query{Limit: 3}, "[Query Query]"},
		{instance.Query{Group: "group", Limit: 3}, "[Query BatchGetItem]"},
		{instance.Query{Group: "group", Status: "created", Limit: 3}, "[Query BatchGetItem]"},
		{instance.Query{Name: "name", Limit: 3}, "[Query Query BatchGetItem]"},
		{instance.Query{SubGroup: "sub", Name: "name", Limit: 3}, "[Query BatchGetItem]"},
		{instance.Query{Status: "created", Limit: 3}, "[Query BatchGetItem]"},
	} {
		test.q.Kind = numbered()
		f.wire.inject(nil)
		if got := ids(t, f.Search(t.Context(), test.q)); got != "[1 2 3]" {
			t.Errorf("%+v finds %s", test.q, got)
		}
		if got := fmt.Sprint(f.wire.sent()); got != test.calls {
			t.Errorf("%+v sends %s, want %s", test.q, got, test.calls)
		}
		// A consumer that stops by itself.
		f.wire.inject(nil)
		test.q.Limit = 0
		for _, err := range f.Search(t.Context(), test.q) {
			if err != nil {
				t.Error(err)
			}
			break
		}
		if got := fmt.Sprint(f.wire.sent()); got != test.calls {
			t.Errorf("%+v sends %s before its consumer stops, want %s", test.q, got, test.calls)
		}
	}
}

// A whole list comes in pages of moderate size, of which few are read ahead of
// its consumer, and none after it stops.
func TestListReadsAhead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const pages, perPage = 40, 3
		var queries atomic.Int64
		f, _ := still(func(c call) (*http.Response, error) {
			n := queries.Add(1)
			if limit, _ := c.Body["Limit"].(float64); c.Operation != "Query" || limit != 1000 {
				t.Errorf("%s with the limit %v", c.Operation, c.Body["Limit"])
			}
			body := map[string]any{}
			var items []any
			for i := range int64(perPage) {
				id := map[string]any{"S": fmt.Sprintf("%03d", (n-1)*perPage+i)}
				items = append(items, map[string]any{"pk": map[string]any{"S": "named#c"}, "sk": id, "col": map[string]any{"S": "c"}, "id": id})
				body["LastEvaluatedKey"] = map[string]any{"pk": map[string]any{"S": "named#c"}, "sk": id}
			}
			if body["Items"] = items; n == pages {
				delete(body, "LastEvaluatedKey")
			}
			return c.answer(http.StatusOK, body)
		})
		q := instance.Query{Kind: instance.Kind{Name: "named"}, Collections: []string{"c"}}
		for _, stop := range []int{1, 10, pages * perPage} {
			queries.Store(0)
			n := 0
			for i, err := range f.Search(t.Context(), q) {
				must(t, err)
				if i.ID != fmt.Sprintf("%03d", n) {
					t.Fatalf("%s is number %d", i.ID, n)
				}
				synctest.Wait()
				if n++; queries.Load() > int64((n-1)/perPage)+4 {
					t.Fatalf("%d pages are read for number %d", queries.Load(), n)
				}
				if n == stop {
					break
				}
			}
			if ahead := queries.Load() - int64((n-1)/perPage) - 1; n != stop || n < pages && ahead == 0 {
				t.Errorf("stopped at %d instead of %d, %d pages ahead", n, stop, ahead)
			}
			read := queries.Load()
			synctest.Wait()
			if queries.Load() != read {
				t.Error("it is read after the consumer has stopped")
			}
		}
	})
}

// More hits than one batch and one page hold are all found, in order.
func TestSearchManyHits(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const stored = 130
	f.create(t, stored)
	for _, q := range []instance.Query{{}, {Group: "group"}, {Name: "name"}, {SubGroup: "sub", Limit: 120}, {Status: "created"}, {Status: "created", Group: "group", Limit: 120}} {
		q.Kind = numbered()
		want := stored
		if q.Limit > 0 {
			want = q.Limit
		}
		n := 0
		for i, err := range f.Search(t.Context(), q) {
			must(t, err)
			if n++; i.ID != strconv.Itoa(n) {
				t.Fatalf("%+v: %s is number %d", q, i.ID, n)
			}
		}
		if n != want {
			t.Errorf("%+v finds %d, want %d", q, n, want)
		}
	}
}

// Texts beyond what an index key holds are found and told apart all the same.
func TestSearchLongTexts(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	long := strings.Repeat("ä", 3000)
	for n, end := range []string{"x", "y"} {
		i := f.fresh(int64(n) + 1)
		i.Code, i.Group, i.SubGroup, i.Name, i.Status = long+end, long+end, long+end, long+end, long+end
		must(t, f.Create(t.Context(), i, f.change("create"), nil))
		i.ID = strconv.Itoa(n + 3)
		if err := f.Create(t.Context(), i, f.change("create"), nil); !errors.Is(err, instance.ErrCodeTaken) {
			t.Errorf("second of a code: %v", err)
		}
	}
	for _, q := range []instance.Query{
		{Code: long + "y"},
		{Group: long + "Y"},
		{SubGroup: long + "y"},
		{Name: long + "Y"},
		{Status: long + "y"},
		{Group: long + "Y", Status: long + "y"},
	} {
		q.Kind = numbered()
		if got := ids(t, f.Search(t.Context(), q)); got != "[2]" {
			t.Errorf("finds %s, want [2]", got)
		}
	}
}

// A position that belongs to no answer of the query is refused.
func TestSearchAfterNonsense(t *testing.T) {
	t.Parallel()
	f, _ := still(nil)
	for _, q := range []instance.Query{
		{After: instance.Position{Collection: instance.Block(1), SortKey: strings.Repeat("9", 1000)}},
		{After: after("a\x00b", "1")},
		{After: after(instance.Block(1), "1"), Collections: []string{instance.Block(20_000)}},
	} {
		q.Kind = numbered()
		var last error
		for _, err := range f.Search(t.Context(), q) {
			last = err
		}
		if !errors.Is(last, instance.ErrCursor) {
			t.Errorf("%+v: error is %v, want %v", q, last, instance.ErrCursor)
		}
	}
}

// Collections that start alike, or hold the bytes that keys are made with,
// are kept apart and in order.
func TestSearchCollectionsAlike(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	kind := instance.Kind{Name: "named"}
	collections := []string{"a", "a!", "a#", "a#b", "aa", "b"}
	for n, collection := range collections {
		i := f.fresh(int64(n) + 1)
		i.Kind, i.Collection, i.ID = kind, collection, "b#"+collection
		must(t, f.Create(t.Context(), i, f.change("create"), nil))
	}
	want := "[b#a b#a! b#a# b#a#b b#aa b#b]"
	for _, q := range []instance.Query{{Collections: collections}, {Group: "group"}, {Name: "name", Collections: collections}} {
		q.Kind = kind
		if got := ids(t, f.Search(t.Context(), q)); got != want {
			t.Errorf("%+v finds %s, want %s", q, got, want)
		}
		for _, collection := range collections {
			q.Collections = []string{collection}
			if got, want := ids(t, f.Search(t.Context(), q)), fmt.Sprintf("[b#%s]", collection); got != want {
				t.Errorf("%+v finds %s, want %s", q, got, want)
			}
		}
	}
}
