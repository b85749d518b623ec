package repositorytest

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"instances/pkg/instance"
)

// testUpdate covers the read-modify-write loop.
func testUpdate(t *testing.T, open Opener) {
	t.Run("parallel updates all take effect", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		key := f.createNumbered(t, instance.Instance{Status: "0", Group: "all"}).Key()
		const updates = 12
		change := f.change("patch")
		errs := parallel(updates, func(k int) error {
			_, err := f.Update(t.Context(), key, change, nil, func(i instance.Instance) (instance.Instance, error) {
				n, err := strconv.Atoi(i.Status)
				i.Status = strconv.Itoa(n + 1)
				i.Name += fmt.Sprintf("[%d]", k)
				return i, err
			})
			return err
		})
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		got := f.get(t, key)
		if got.Status != strconv.Itoa(updates) || got.Version != updates+1 {
			t.Errorf("count %s, version %d after %d updates", got.Status, got.Version, updates)
		}
		for k := range updates {
			if ids := f.ids(t, instance.Query{Kind: numberKind(), Group: "all", Name: fmt.Sprintf("[%d]", k)}); len(ids) != 1 {
				t.Errorf("update %d is missing", k)
			}
		}
		var versions []int64
		for _, e := range f.history(t, key) {
			versions = append(versions, e.Version)
		}
		if len(versions) != updates+1 || !slices.IsSortedFunc(versions, func(a, b int64) int { return int(b - a) }) {
			t.Errorf("history has versions %v", versions)
		}
	})

	t.Run("no change is no write", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		i := f.createNumbered(t, instance.Instance{Code: "c", Attributes: []byte(`{"a": 1}`)})
		got, err := f.Update(t.Context(), i.Key(), f.change("patch"), nil, func(i instance.Instance) (instance.Instance, error) { return i, nil })
		if err != nil {
			t.Fatal(err)
		}
		wantInstance(t, got, i)
		wantInstance(t, f.get(t, i.Key()), i)
		if n := len(f.history(t, i.Key())); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
	})

	t.Run("an error of modify ends it", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		i := f.createNumbered(t, instance.Instance{})
		refused := errors.New("refused")
		_, err := f.Update(t.Context(), i.Key(), f.change("patch"), nil, func(i instance.Instance) (instance.Instance, error) {
			i.Name = "never"
			return i, refused
		})
		wantError(t, err, refused)
		wantInstance(t, f.get(t, i.Key()), i)
	})

	t.Run("not found", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		called := false
		_, err := f.Update(t.Context(), named("c", "x").Key(), f.change("patch"), nil, func(i instance.Instance) (instance.Instance, error) {
			called = true
			return i, nil
		})
		wantError(t, err, instance.ErrNotFound)
		if called {
			t.Error("modify was called")
		}
	})

	t.Run("code taken", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		f.createNumbered(t, instance.Instance{Code: "taken"})
		i := f.createNumbered(t, instance.Instance{Code: "mine"})
		_, err := f.Update(t.Context(), i.Key(), f.change("patch"), nil, func(i instance.Instance) (instance.Instance, error) {
			i.Code = "Taken"
			return i, nil
		})
		wantError(t, err, instance.ErrCodeTaken)
		wantInstance(t, f.get(t, i.Key()), i)
	})
}
