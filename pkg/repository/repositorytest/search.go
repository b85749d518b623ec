package repositorytest

import (
	"fmt"
	"testing"

	"instances/pkg/instance"
)

// testSearch covers how a search is used. [Searches] covers what it finds.
func testSearch(t *testing.T, open Opener) {
	// Only the collections of numbered kinds are known to a repository.
	t.Run("no collections", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		for _, q := range []instance.Query{{}, {SubGroup: "s"}, {Name: "n"}, {Status: "s"}, {Group: "g", Name: "n"}} {
			q.Kind = idKind()
			n := 0
			var last error
			for _, err := range f.Search(t.Context(), q) {
				n, last = n+1, err
			}
			if n != 1 || last == nil {
				t.Errorf("%+v: got %d answers and error %v, want an error alone", q, n, last)
			}
		}
	})
	t.Run("early break", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		for range 3 {
			f.createNumbered(t, instance.Instance{Group: "g", Name: "n"})
		}
		for _, q := range []instance.Query{{}, {Group: "g"}, {Name: "n"}} {
			q.Kind = numberKind()
			for i, err := range f.Search(t.Context(), q) {
				if err != nil || i.ID != "1" {
					t.Fatalf("%+v finds %q, %v first", q, i.ID, err)
				}
				break
			}
		}
		f.createNumbered(t, instance.Instance{})
	})

	// One query value can be run again, and the sequence iterated again.
	t.Run("again", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		f.createNumbered(t, instance.Instance{})
		answers := f.Search(t.Context(), instance.Query{Kind: numberKind()})
		for n := 1; n <= 2; n++ {
			if got := len(collect(t, answers)); got != n {
				t.Fatalf("%d answers, want %d", got, n)
			}
			f.createNumbered(t, instance.Instance{})
		}
	})

	// The consumer may use the repository, as a handler or an export does.
	t.Run("writes within the loop", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		for range 5 {
			f.createNumbered(t, instance.Instance{Group: "g", Name: "n"})
		}
		for _, q := range []instance.Query{{}, {Group: "g"}, {Name: "n"}} {
			q.Kind = numberKind()
			count := 0
			for i, err := range f.Search(t.Context(), q) {
				if err != nil {
					t.Fatal(err)
				}
				f.replace(t, i.Key(), func(i *instance.Instance) { i.Status = fmt.Sprintf("%+v", q) })
				count++
			}
			if count != 5 {
				t.Errorf("%+v finds %d, want 5", q, count)
			}
		}
	})
}
