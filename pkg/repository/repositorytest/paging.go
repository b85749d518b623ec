package repositorytest

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"instances/pkg/instance"
)

// testPaging covers walks by limit and cursor while others write. [Searches]
// covers those where nobody does.
func testPaging(t *testing.T, open Opener) {
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
			err = f.Delete(writing, key, f.change("delete"), nil, nil)
		case 1:
			_, err = f.Restore(writing, key, f.change("restore"))
		case 2:
			_, err = f.Update(writing, key, f.change("patch"), nil, func(i instance.Instance) (instance.Instance, error) {
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
