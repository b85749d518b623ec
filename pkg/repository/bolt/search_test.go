package bolt_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"instances/pkg/instance"
	"instances/pkg/repository/bolt"
)

// A sequence is read in parts; the consumer may write between and within
// them, and what it reads is whole all the same.
func TestSearchWritesWithinManyParts(t *testing.T) {
	t.Parallel()
	r := open(t, filepath.Join(t.TempDir(), "test.db"), bolt.Options{NoSync: true})
	const stored = 520
	// Big enough that the file has to grow under the reader.
	filler := fmt.Appendf(nil, `{"filler": %q}`, strings.Repeat("x", 4000))
	for n := int64(1); n <= stored; n++ {
		if err := r.Create(t.Context(), sample(n), instance.Change{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, q := range []instance.Query{{}, {Group: "GROUP"}, {Name: "name"}, {Collections: []string{instance.Block(1)}}} {
		q.Kind = numbered()
		n := 0
		for i, err := range r.Search(t.Context(), q) {
			if err != nil {
				t.Fatal(err)
			}
			n++
			if i.ID != strconv.Itoa(n) {
				t.Fatalf("%+v: %s is number %d", q, i.ID, n)
			}
			if n%7 != 0 {
				continue
			}
			after := i
			after.Attributes = filler
			if _, err := r.Replace(t.Context(), i, after, instance.Change{}, nil); err != nil {
				t.Fatal(err)
			}
		}
		if n != stored {
			t.Errorf("%+v finds %d, want %d", q, n, stored)
		}
		last := sample(stored - 1)
		q.After = instance.Position{Collection: last.Collection, SortKey: last.SortKey()}
		for i, err := range r.Search(t.Context(), q) {
			if err != nil || i.ID != strconv.Itoa(stored) {
				t.Errorf("%+v finds %s, %v", q, i.ID, err)
			}
		}
	}
}

func TestHistoryOfManyParts(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r := open(t, filepath.Join(t.TempDir(), "test.db"), bolt.Options{
		NoSync: true, Now: func() time.Time { return now }, HistoryRetention: time.Hour,
	})
	i := sample(1)
	const expired, kept = 300, 300
	// The newest are those that are expired, so that a whole part is empty.
	if err := r.Create(t.Context(), i, instance.Change{At: now}, nil); err != nil {
		t.Fatal(err)
	}
	for n := 1; n < expired+kept; n++ {
		at := now
		if n >= kept {
			at = now.Add(-2 * time.Hour)
		}
		next := i
		next.Name = strconv.Itoa(n)
		var err error
		if i, err = r.Replace(t.Context(), i, next, instance.Change{At: at}, nil); err != nil {
			t.Fatal(err)
		}
	}
	want := int64(kept)
	for e, err := range r.History(t.Context(), instance.HistoryQuery{Key: i.Key()}) {
		if err != nil || e.Version != want {
			t.Fatalf("version is %d, %v, want %d", e.Version, err, want)
		}
		want--
	}
	if want != 0 {
		t.Errorf("%d events are missing", want)
	}
	for _, after := range []string{"0", "ffffffff", "nonsense", "-00000000000ffff", "ffffffffffffffff0", "00000000000000000"} {
		for e, err := range r.History(t.Context(), instance.HistoryQuery{Key: i.Key(), After: after}) {
			t.Fatalf("after %q is version %d, %v", after, e.Version, err)
		}
	}
	// By pages it is the same: those that are expired fill none.
	q := instance.HistoryQuery{Key: i.Key(), Limit: 7}
	for want = kept; want > 0; {
		page := 0
		for e, err := range r.History(t.Context(), q) {
			if err != nil || e.Version != want {
				t.Fatalf("version is %d, %v, want %d", e.Version, err, want)
			}
			q.After = e.Position
			want--
			page++
		}
		if page != q.Limit && want != 0 {
			t.Fatalf("a page of %d, %d events are missing", page, want)
		}
	}
}

// Texts may hold any bytes: no key runs into another, and each comes back.
func TestAnyTexts(t *testing.T) {
	t.Parallel()
	r := open(t, filepath.Join(t.TempDir(), "test.db"), bolt.Options{NoSync: true})
	// Few and awkward runes, so that texts are often alike.
	text := rapid.StringOfN(rapid.RuneFrom([]rune("\x00\x01\x02/#aA\u00ff\u0100\U0010ffff")), 1, 4, -1)
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		kind := instance.Kind{Name: fmt.Sprint("kind", run)}
		stored := map[instance.Key]instance.Instance{}
		collections := map[string]int{}
		groups := map[string]int{}
		for n := range rapid.IntRange(1, 12).Draw(t, "instances") {
			i := sample(int64(n))
			i.Kind, i.Collection, i.ID = kind, text.Draw(t, "collection"), text.Draw(t, "id")
			i.Group, i.SubGroup, i.Name = text.Draw(t, "group"), text.Draw(t, "subgroup"), text.Draw(t, "name")
			at := i.Key()
			if _, taken := stored[at]; taken {
				continue
			}
			stored[at] = i
			collections[i.Collection]++
			groups[strings.ToUpper(i.Group)]++
			if err := r.Create(t.Context(), i, instance.Change{}, nil); err != nil {
				t.Fatal(err)
			}
		}
		count := func(q instance.Query) int {
			n := 0
			q.Kind = kind
			for i, err := range r.Search(t.Context(), q) {
				if err != nil {
					t.Fatal(err)
				}
				n++
				want := stored[i.Key()]
				if fmt.Sprintf("%+v", i) != fmt.Sprintf("%+v", want) {
					t.Fatalf("found\n%+v, want\n%+v", i, want)
				}
			}
			return n
		}
		all := slices.Collect(maps.Keys(collections))
		if n := count(instance.Query{Collections: all}); len(all) > 0 && n != len(stored) {
			t.Fatalf("%d are listed, want %d", n, len(stored))
		}
		for collection, want := range collections {
			if n := count(instance.Query{Collections: []string{collection}}); n != want {
				t.Fatalf("collection %q has %d, want %d", collection, n, want)
			}
		}
		for group, want := range groups {
			if n := count(instance.Query{Group: group}); n != want {
				t.Fatalf("group %q has %d, want %d", group, n, want)
			}
		}
	})
}
