package repositorytest

import (
	"fmt"
	"testing"

	"instances/pkg/instance"
)

// testCode covers the uniqueness of codes.
func testCode(t *testing.T, open Opener) {
	t.Run("unique ignoring case", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		for n, test := range []struct {
			first, second string
			taken         bool
		}{
			{"plain", "plain", true},
			{"Alpha-1", "aLPHA-1", true},
			{"größe", "GRÖSSE", false},
			{"größe", "GRÖẞE", true},
			{"kelvin", "\u212Aelvin", true},
			{"ſharp", "Sharp", true},
			{"ΟΔΟΣ", "οδος", true},
			{"caf\u00e9", "CAFE\u0301", true},
			{"istanbul", "İstanbul", true},
			{"ILIK", "ılık", true},
			{"i\u0307", "\u0131\u0307", true},
			{"a#b", "a/b", false},
		} {
			// A prefix of its own keeps the cases apart.
			mark := fmt.Sprintf("%d.", n)
			first := f.create(t, instance.Instance{Kind: idKind(), Collection: "first", ID: mark, Code: mark + test.first})
			second := f.fresh(instance.Instance{Kind: idKind(), Collection: "second", ID: mark, Code: mark + test.second})
			err := f.Create(t.Context(), second, f.change("create"), nil)
			if test.taken {
				wantError(t, err, instance.ErrCodeTaken)
				_, err := f.Get(t.Context(), second.Key())
				wantError(t, err, instance.ErrNotFound)
				if n := len(f.history(t, second.Key())); n != 0 {
					t.Errorf("%d events of what was not created", n)
				}
			} else if err != nil {
				t.Errorf("%q after %q: %v", test.second, test.first, err)
			}
			found := f.search(t, instance.Query{Kind: idKind(), Code: mark + test.first})
			if len(found) != 1 || found[0].ID != first.ID {
				t.Errorf("code %q finds %d", test.first, len(found))
			}
		}
	})

	t.Run("only within the kind", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		f.create(t, instance.Instance{Kind: idKind(), Collection: "c", ID: "x", Code: "same"})
		f.createNumbered(t, instance.Instance{Code: "same"})
	})

	t.Run("no code is no code", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		f.create(t, named("c", "x"))
		f.create(t, named("c", "y"))
		f.remove(t, named("c", "x").Key())
	})

	t.Run("parallel creates of one code", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		tries := make([]instance.Instance, 64)
		for k := range tries {
			code := "Same-Code"
			if k%2 == 1 {
				code = "sAME-cODE"
			}
			tries[k] = f.fresh(numbered(int64(k+1), instance.Instance{Code: code}))
		}
		if _, err := f.NextNumber(t.Context(), numberKind()); err != nil {
			t.Fatal(err)
		}
		change := f.change("create")
		errs := parallel(len(tries), func(k int) error { return f.Create(t.Context(), tries[k], change, nil) })
		winner := wantOneWinner(t, errs, instance.ErrCodeTaken)
		for _, q := range []instance.Query{{Kind: numberKind(), Code: "same-code"}, {Kind: numberKind()}} {
			found := f.search(t, q)
			if len(found) != 1 {
				t.Fatalf("%+v finds %d, want 1", q, len(found))
			}
			wantInstance(t, found[0], tries[winner])
		}
	})

	t.Run("free after a delete", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		first := f.createNumbered(t, instance.Instance{Code: "code"})
		f.remove(t, first.Key())
		second := f.createNumbered(t, instance.Instance{Code: "CODE"})
		if ids := f.ids(t, instance.Query{Kind: numberKind(), Code: "code"}); fmt.Sprint(ids) != fmt.Sprint([]string{second.ID}) {
			t.Errorf("code finds %v, want %s", ids, second.ID)
		}
	})

	t.Run("free after it was changed", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		first := f.createNumbered(t, instance.Instance{Code: "old"})
		f.replace(t, first.Key(), func(i *instance.Instance) { i.Code = "new" })
		second := f.createNumbered(t, instance.Instance{Code: "OLD"})
		f.replace(t, first.Key(), func(i *instance.Instance) { i.Code = "" })
		third := f.createNumbered(t, instance.Instance{Code: "NEW"})
		f.replace(t, second.Key(), func(i *instance.Instance) { i.Code = "other" })
		f.replace(t, first.Key(), func(i *instance.Instance) { i.Code = "old" })
		for code, id := range map[string]string{"old": first.ID, "new": third.ID, "other": second.ID} {
			if ids := f.ids(t, instance.Query{Kind: numberKind(), Code: code}); fmt.Sprint(ids) != fmt.Sprint([]string{id}) {
				t.Errorf("code %q finds %v, want %s", code, ids, id)
			}
		}
	})

	t.Run("a replace cannot take one", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		f.createNumbered(t, instance.Instance{Code: "taken"})
		before := f.createNumbered(t, instance.Instance{Code: "mine", Name: "before"})
		after := before
		after.Code, after.Name = "TAKEN", "after"
		_, err := f.Replace(t.Context(), before, after, f.change("replace"), nil)
		wantError(t, err, instance.ErrCodeTaken)
		wantInstance(t, f.get(t, before.Key()), before)
		third := f.fresh(numbered(3, instance.Instance{Code: "Mine"}))
		wantError(t, f.Create(t.Context(), third, f.change("create"), nil), instance.ErrCodeTaken)
		if n := len(f.history(t, before.Key())); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
	})

	t.Run("only its case changes", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		i := f.createNumbered(t, instance.Instance{Code: "code"})
		f.replace(t, i.Key(), func(i *instance.Instance) { i.Code = "Code" })
		f.replace(t, i.Key(), func(i *instance.Instance) { i.Name = "the code stays" })
		if got := f.get(t, i.Key()).Code; got != "Code" {
			t.Errorf("code is %q", got)
		}
		other := f.fresh(numbered(2, instance.Instance{Code: "CODE"}))
		wantError(t, f.Create(t.Context(), other, f.change("create"), nil), instance.ErrCodeTaken)
		f.remove(t, i.Key())
		f.createNumbered(t, instance.Instance{Code: "CODE"})
	})

	t.Run("parallel replaces to one code", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		var befores []instance.Instance
		for range 8 {
			befores = append(befores, f.createNumbered(t, instance.Instance{}))
		}
		change := f.change("replace")
		errs := parallel(len(befores), func(k int) error {
			after := befores[k]
			after.Code = "wanted"
			_, err := f.Replace(t.Context(), befores[k], after, change, nil)
			return err
		})
		winner := wantOneWinner(t, errs, instance.ErrCodeTaken)
		if ids := f.ids(t, instance.Query{Kind: numberKind(), Code: "wanted"}); fmt.Sprint(ids) != fmt.Sprint([]string{befores[winner].ID}) {
			t.Errorf("code finds %v, want %s", ids, befores[winner].ID)
		}
	})
}
