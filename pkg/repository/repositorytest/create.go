package repositorytest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"instances/pkg/instance"
)

// testCreate covers Create and Get: what is stored comes back, ids are unique
// in their collection, and a create that fails leaves nothing.
func testCreate(t *testing.T, open Opener) {
	t.Run("every field comes back", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		seen := f.clock.Now().Add(time.Hour)
		for n, i := range []instance.Instance{
			{},
			{Code: "C-1", Group: "G", SubGroup: "S", Name: "N", Owner: "o", Status: "up", Active: true, LastSeenAt: seen},
			{SubGroup: "only a subgroup"},
			{Code: "a#b/c%d", Group: "#", SubGroup: "/", Name: `"quoted" <b> & 'more'`, Status: "a b"},
			{Code: "Größe-Ω-🦊", Name: "日本語 e\u0301", Group: "ΑΣ", Active: true},
			{Attributes: json.RawMessage(`{}`)},
			{Attributes: json.RawMessage(`{ "z" : 1.10, "a":[1e400, 12345678901234567890 ,null],` + "\n" + `"h":"<&>\u00e9é" }`)},
			{Attributes: json.RawMessage(`{"long":"` + strings.Repeat("x", 20_000) + `"}`)},
			{Group: strings.Repeat("g", 3000), Name: strings.Repeat("n", 3000), Code: strings.Repeat("c", 1000)},
		} {
			id := fmt.Sprintf("id-%d", n)
			i.Kind, i.Collection, i.ID = idKind(), "here", id
			i = f.create(t, i)
			wantInstance(t, f.get(t, i.Key()), i)
			hits := f.search(t, instance.Query{Kind: idKind(), Collections: []string{"here"}, After: instance.Position{Collection: "here", SortKey: fmt.Sprintf("id-%d", n-1)}})
			if len(hits) != 1 {
				t.Fatalf("list has %d, want 1", len(hits))
			}
			wantInstance(t, hits[0], i)
		}
	})

	t.Run("times are UTC milliseconds", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		at := time.Date(2026, 3, 4, 5, 6, 7, 123_999_999, time.FixedZone("", 7200))
		i := f.fresh(named("c", "x"))
		i.CreatedAt, i.UpdatedAt, i.LastSeenAt = at, at.Add(time.Second), at.Add(time.Hour)
		if err := f.Create(t.Context(), i, f.change("create"), nil); err != nil {
			t.Fatal(err)
		}
		at = time.Date(2026, 3, 4, 3, 6, 7, 123_000_000, time.UTC)
		i.CreatedAt, i.UpdatedAt, i.LastSeenAt = at, at.Add(time.Second), at.Add(time.Hour)
		wantInstance(t, f.get(t, i.Key()), i)
	})

	t.Run("not found", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		f.create(t, named("c", "x"))
		f.createNumbered(t, instance.Instance{})
		for _, key := range []instance.Key{
			named("c", "y").Key(),
			named("d", "x").Key(),
			{Kind: instance.Kind{Name: "other"}, Collection: "c", ID: "x"},
			numbered(2, instance.Instance{}).Key(),
			numbered(10_001, instance.Instance{}).Key(),
		} {
			_, err := f.Get(t.Context(), key)
			wantError(t, err, instance.ErrNotFound)
		}
	})

	// Separators inside texts must not make two keys equal.
	t.Run("keys do not run together", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		places := []instance.Instance{
			named("a", "b#c"), named("a#b", "c"), named("a/b", "c"), named("a", "b/c"), named("a", "b"), named("a", "B"),
		}
		for n, place := range places {
			place.Name = strconv.Itoa(n)
			place.Group = "g#" + place.Collection
			f.create(t, place)
		}
		for n, place := range places {
			if got := f.get(t, place.Key()).Name; got != strconv.Itoa(n) {
				t.Errorf("%q %q is %s, want %d", place.Collection, place.ID, got, n)
			}
			if events := f.history(t, place.Key()); len(events) != 1 {
				t.Errorf("%q %q has %d events, want 1", place.Collection, place.ID, len(events))
			}
		}
		if got := f.ids(t, instance.Query{Kind: idKind(), Collections: []string{"a"}}); fmt.Sprint(got) != "[B b b#c b/c]" {
			t.Errorf("collection a holds %v", got)
		}
	})

	t.Run("id taken", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		first := f.create(t, instance.Instance{Kind: idKind(), Collection: "c", ID: "x", Code: "one"})
		second := f.fresh(instance.Instance{Kind: idKind(), Collection: "c", ID: "x", Code: "two", Group: "g"})
		wantError(t, f.Create(t.Context(), second, f.change("create"), nil), instance.ErrExists)
		wantInstance(t, f.get(t, first.Key()), first)
		if n := len(f.history(t, first.Key())); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
		if ids := f.ids(t, instance.Query{Kind: idKind(), Group: "g"}); len(ids) != 0 {
			t.Errorf("group has %v", ids)
		}
		// The code of the failed create is free, and the ID is per collection.
		f.create(t, instance.Instance{Kind: idKind(), Collection: "d", ID: "x", Code: "two"})
		// The ID takes precedence.
		second.Code = "ONE"
		wantError(t, f.Create(t.Context(), second, f.change("create"), nil), instance.ErrExists)
	})

	t.Run("parallel creates of one id", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		tries := make([]instance.Instance, 16)
		for k := range tries {
			tries[k] = f.fresh(named("c", "x"))
			tries[k].Name = strconv.Itoa(k)
		}
		change := f.change("create")
		errs := parallel(len(tries), func(k int) error { return f.Create(t.Context(), tries[k], change, nil) })
		winner := wantOneWinner(t, errs, instance.ErrExists)
		wantInstance(t, f.get(t, tries[0].Key()), tries[winner])
		if n := len(f.history(t, tries[0].Key())); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
	})
}
