package repositorytest

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"instances/pkg/instance"
)

// testHistoryPaging covers a history that is read in parts.
func testHistoryPaging(t *testing.T, open Opener) {
	// pages reads the history by size, each page from the cursor of the last.
	pages := func(t *testing.T, f *fixture, key instance.Key, size int) []instance.Event {
		t.Helper()
		var all []instance.Event
		q := instance.HistoryQuery{Key: key, Limit: size}
		for range 200 {
			page := collect(t, f.History(t.Context(), q))
			all = append(all, page...)
			if len(page) < size {
				return all
			}
			next, err := q.Resume(q.Cursor(page[len(page)-1]))
			if err != nil {
				t.Fatal(err)
			}
			q = next
		}
		t.Fatal("the history does not end")
		return nil
	}
	// lived takes an instance through its whole life, again and again.
	lived := func(t *testing.T, f *fixture, place instance.Instance) instance.Key {
		t.Helper()
		for range 3 {
			key := f.create(t, place).Key()
			for n := range 3 {
				f.replace(t, key, func(i *instance.Instance) { i.Name = strconv.Itoa(n) })
			}
			f.remove(t, key)
			if _, err := f.Restore(t.Context(), key, f.change("restore")); err != nil {
				t.Fatal(err)
			}
			f.remove(t, key)
			f.purge(t, f.onlyDeleted(t, place.Kind))
		}
		return place.Key()
	}

	t.Run("pages are the whole", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		for _, place := range []instance.Instance{numbered(1, instance.Instance{}), named("c", "x#/é"), timed("c", "x")} {
			key := lived(t, f, place)
			whole := f.history(t, key)
			if len(whole) != 24 {
				t.Fatalf("%d events, want 24", len(whole))
			}
			var operations []string
			positions := map[string]bool{}
			for _, e := range whole {
				operations = append(operations, e.Operation)
				positions[e.Position] = true
			}
			one := "purge delete restore delete replace replace replace create"
			if got := strings.Join(operations, " "); got != one+" "+one+" "+one {
				t.Errorf("history is %s", got)
			}
			if len(positions) != len(whole) || positions[""] {
				t.Errorf("%d events have %d positions", len(whole), len(positions))
			}
			for _, size := range []int{1, 2, 7, 8, 23, 24, 25} {
				if got := pages(t, f, key, size); !reflect.DeepEqual(got, whole) {
					t.Fatalf("by %d: %d events, want %d:\n%+v", size, len(got), len(whole), got)
				}
			}
			for n, e := range whole {
				got := collect(t, f.History(t.Context(), instance.HistoryQuery{Key: key, After: e.Position}))
				if len(got) != len(whole)-n-1 || len(got) > 0 && !reflect.DeepEqual(got, whole[n+1:]) {
					t.Fatalf("after event %d: %d events, want %d", n, len(got), len(whole)-n-1)
				}
			}
		}
	})

	t.Run("while it grows", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		key := f.create(t, named("c", "x")).Key()
		for n := range 5 {
			f.replace(t, key, func(i *instance.Instance) { i.Name = strconv.Itoa(n) })
		}
		q := instance.HistoryQuery{Key: key, Limit: 2}
		first := collect(t, f.History(t.Context(), q))
		f.remove(t, key)
		q.After = first[1].Position
		second := collect(t, f.History(t.Context(), q))
		if len(first) != 2 || len(second) != 2 || first[1].Version != 5 || second[0].Version != 4 || second[1].Version != 3 {
			t.Errorf("pages are\n%+v\n%+v", first, second)
		}
	})

	t.Run("where some have expired", func(t *testing.T) {
		t.Parallel()
		f := startKeeping(t, open, 24*time.Hour)
		key := f.create(t, named("c", "x")).Key()
		var whole []instance.Event
		for n := range 12 {
			f.replace(t, key, func(i *instance.Instance) { i.Name = strconv.Itoa(n) })
			if n == 7 {
				whole = f.history(t, key)
				f.clock.advance(23 * time.Hour)
			}
		}
		f.clock.advance(2 * time.Hour)
		left := f.history(t, key)
		if len(left) != 4 {
			t.Fatalf("%d events, want 4", len(left))
		}
		for _, size := range []int{1, 3, 4, 5} {
			if got := pages(t, f, key, size); !reflect.DeepEqual(got, left) {
				t.Errorf("by %d: %+v", size, got)
			}
		}
		// The position of an expired event remains valid.
		if got := collect(t, f.History(t.Context(), instance.HistoryQuery{Key: key, After: whole[0].Position})); len(got) != 0 {
			t.Errorf("after an expired one: %+v", got)
		}
	})

	// Whatever the position is, the answer is the end of the history.
	t.Run("from nowhere", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		place := named("c", "x")
		f.create(t, named("c", "earlier"))
		key := lived(t, f, place)
		f.create(t, named("c", "later"))
		whole := f.history(t, key)
		positions := []string{
			"x", "0", "~", "#", "\x00", "\xff\xfe", "é", " ", strings.Repeat("9", 16), strings.Repeat("f", 16),
			strings.Repeat("z", 5000), strings.Repeat("0", 1024), whole[3].Position + "x", whole[3].Position[1:],
			strings.ToUpper(whole[3].Position) + "\x00", "-000000000000001", "+000000000000001",
		}
		for _, other := range []instance.Key{named("c", "earlier").Key(), named("c", "later").Key()} {
			positions = append(positions, f.history(t, other)[0].Position)
		}
		for _, after := range positions {
			for _, limit := range []int{0, 1, 100} {
				got := collect(t, f.History(t.Context(), instance.HistoryQuery{Key: key, After: after, Limit: limit}))
				if limit == 1 && len(got) > 1 {
					t.Errorf("after %q: %d events, want 1 at most", after, len(got))
				}
				if len(got) == 0 {
					continue
				}
				at := slices.IndexFunc(whole, func(e instance.Event) bool { return e.Position == got[0].Position })
				if at < 0 || !reflect.DeepEqual(got, whole[at:at+len(got)]) || limit != 1 && at+len(got) != len(whole) {
					t.Errorf("after %q: %d events from number %d", after, len(got), at)
				}
			}
		}
		other := collect(t, f.History(t.Context(), instance.HistoryQuery{Key: named("c", "never").Key(), After: whole[0].Position}))
		if len(other) != 0 {
			t.Errorf("%d events of nothing", len(other))
		}
	})
}
