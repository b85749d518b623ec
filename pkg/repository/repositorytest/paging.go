package repositorytest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"

	"instances/pkg/instance"
)

// testPaging covers walks by limit and cursor.
func testPaging(t *testing.T, open Opener) {
	t.Run("pages add up", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		for n := range 17 {
			// Half of them are in the next block.
			if n == 9 {
				if err := f.ReserveNumbers(t.Context(), numberKind(), 9_997); err != nil {
					t.Fatal(err)
				}
			}
			f.createNumbered(t, instance.Instance{
				Group: []string{"even", "odd"}[n%2], SubGroup: "s", Name: fmt.Sprintf("name %d", n),
				Status: []string{"up", "down", "down"}[n%3],
			})
		}
		for _, q := range []instance.Query{
			{},
			{Group: "odd"},
			{Group: "even", SubGroup: "s"},
			{SubGroup: "s"},
			{Name: "e 1"},
			{Name: "name", Group: "even"},
			{Status: "up"},
			{Status: "down", Group: "odd"},
			{Status: "up", SubGroup: "s"},
			{Status: "down", Name: "e 1"},
			{Status: "up", Collections: []string{instance.Block(10_000), instance.Block(0)}},
			{Collections: []string{instance.Block(10_000), instance.Block(0)}},
		} {
			q.Kind = numberKind()
			want := f.ids(t, q)
			for _, size := range []int{1, 4, len(want), len(want) + 1} {
				var got []string
				for _, page := range pages(t, f, q, size) {
					for _, i := range page {
						got = append(got, i.ID)
					}
				}
				if !slices.Equal(got, want) {
					t.Errorf("%+v by %d: %v, want %v", q, size, got, want)
				}
			}
		}
	})

	t.Run("the cursor of what was deleted", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		for range 4 {
			f.createNumbered(t, instance.Instance{Group: "g", Name: "n"})
		}
		for n, q := range []instance.Query{{}, {Group: "g"}, {Name: "n"}} {
			q.Kind = numberKind()
			first := f.search(t, instance.Query{Kind: numberKind(), Limit: 1})[0]
			next, err := q.Resume(q.Cursor(first))
			if err != nil {
				t.Fatal(err)
			}
			f.remove(t, first.Key())
			if got := f.ids(t, next); len(got) != 3-n || got[0] != strconv.Itoa(n+2) {
				t.Errorf("%+v goes on with %v", q, got)
			}
		}
	})

	t.Run("under concurrent writes", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		// Every other one stays; the writer changes the rest.
		var stay, work []instance.Instance
		for n := range 40 {
			i := f.createNumbered(t, instance.Instance{Group: "g", Name: "name"})
			if n%2 == 0 {
				stay = append(stay, i)
			} else {
				work = append(work, i)
			}
		}
		ctx, stop := context.WithCancel(t.Context())
		var writer sync.WaitGroup
		writer.Go(func() { churn(ctx, t, f, work) })
		for _, q := range []instance.Query{{}, {Group: "g"}, {Name: "name"}, {Group: "g"}, {}} {
			q.Kind = numberKind()
			seen := map[string]int{}
			last := int64(0)
			for _, page := range pages(t, f, q, 7) {
				for _, i := range page {
					seen[i.ID]++
					n, err := strconv.ParseInt(i.ID, 10, 64)
					if err != nil || n <= last {
						t.Errorf("%+v: %s comes after %d", q, i.ID, last)
					}
					last = n
				}
			}
			for _, i := range stay {
				if seen[i.ID] != 1 {
					t.Errorf("%+v: %s was seen %d times", q, i.ID, seen[i.ID])
				}
			}
		}
		stop()
		writer.Wait()
	})
}

// pages walks q by pages of the given size, each with the cursor of the one
// before, and fails the test when a page is too big.
func pages(t *testing.T, f *fixture, q instance.Query, size int) [][]instance.Instance {
	t.Helper()
	var all [][]instance.Instance
	q.Limit = size
	for range 1000 {
		page := f.search(t, q)
		if len(page) > size {
			t.Fatalf("a page of %d has %d", size, len(page))
		}
		if len(page) == 0 {
			return all
		}
		all = append(all, page)
		next, err := q.Resume(q.Cursor(page[len(page)-1]))
		if err != nil {
			t.Fatal(err)
		}
		q = next
	}
	t.Fatal("the pages do not end")
	return nil
}

// churn deletes, restores, moves and adds instances until ctx is done.
func churn(ctx context.Context, t *testing.T, f *fixture, work []instance.Instance) {
	// A write is finished even when ctx ends meanwhile.
	writing := context.WithoutCancel(ctx)
	for n := range 10_000 {
		if ctx.Err() != nil {
			return
		}
		key := work[n%len(work)].Key()
		var err error
		switch round := n / len(work) % 3; round {
		case 0:
			err = f.Delete(writing, key, f.change("delete"), nil)
		case 1:
			_, err = f.Restore(writing, key, f.change("restore"))
		case 2:
			_, err = f.Update(writing, key, f.change("patch"), func(i instance.Instance) (instance.Instance, error) {
				i.Group, i.Name = fmt.Sprint("g", n), fmt.Sprint(n, i.Name)
				return i, nil
			})
		}
		if err != nil {
			t.Errorf("write %d of %v: %v", n, key, err)
			return
		}
	}
}
