package repositorytest

import (
	"errors"
	"fmt"
	"testing"

	"instances/pkg/instance"
)

// testDelete covers soft deletion.
func testDelete(t *testing.T, open Opener) {
	t.Run("gone from everything at once", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		kept := f.createNumbered(t, instance.Instance{Code: "kept", Group: "g", SubGroup: "s", Name: "name"})
		gone := f.createNumbered(t, instance.Instance{Code: "gone", Group: "g", SubGroup: "s", Name: "name"})
		f.remove(t, gone.Key())
		_, err := f.Get(t.Context(), gone.Key())
		wantError(t, err, instance.ErrNotFound)
		for _, test := range []struct {
			q    instance.Query
			want []string
		}{
			{instance.Query{}, []string{kept.ID}},
			{instance.Query{Code: "gone"}, []string{}},
			{instance.Query{Group: "g"}, []string{kept.ID}},
			{instance.Query{Group: "g", SubGroup: "s"}, []string{kept.ID}},
			{instance.Query{SubGroup: "s"}, []string{kept.ID}},
			{instance.Query{Name: "nam"}, []string{kept.ID}},
		} {
			test.q.Kind = numberKind()
			if ids := f.ids(t, test.q); fmt.Sprint(ids) != fmt.Sprint(test.want) {
				t.Errorf("%+v finds %v, want %v", test.q, ids, test.want)
			}
		}
	})

	t.Run("not found", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		i := f.create(t, named("c", "x"))
		f.remove(t, i.Key())
		for _, key := range []instance.Key{i.Key(), named("c", "never").Key()} {
			called := false
			err := f.Delete(t.Context(), key, f.change("delete"), nil, func(instance.Instance) error {
				called = true
				return nil
			})
			wantError(t, err, instance.ErrNotFound)
			if called {
				t.Error("check was called")
			}
		}
		if n := len(f.history(t, i.Key())); n != 2 {
			t.Errorf("%d events, want 2", n)
		}
	})

	t.Run("check decides", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		i := f.createNumbered(t, instance.Instance{Code: "c", Name: "n"})
		refused := errors.New("refused")
		wantError(t, f.Delete(t.Context(), i.Key(), f.change("delete"), nil, func(seen instance.Instance) error {
			wantInstance(t, seen, i)
			return refused
		}), refused)
		wantInstance(t, f.get(t, i.Key()), i)
		if n := len(f.history(t, i.Key())); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
		if err := f.Delete(t.Context(), i.Key(), f.change("delete"), nil, func(instance.Instance) error { return nil }); err != nil {
			t.Fatal(err)
		}
		_, err := f.Get(t.Context(), i.Key())
		wantError(t, err, instance.ErrNotFound)
	})

	// A write between check and delete makes check decide again.
	t.Run("written meanwhile", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		key := f.createNumbered(t, instance.Instance{}).Key()
		var seen []int64
		err := f.Delete(t.Context(), key, f.change("delete"), nil, func(i instance.Instance) error {
			seen = append(seen, i.Version)
			if len(seen) == 1 {
				f.replace(t, key, func(i *instance.Instance) { i.Name = "written meanwhile" })
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(seen) != "[1 2]" {
			t.Errorf("check saw the versions %v, want 1 and 2", seen)
		}
		if newest := f.history(t, key)[0]; newest.Operation != "delete" || newest.Version != 2 {
			t.Errorf("newest event is %s of version %d", newest.Operation, newest.Version)
		}
	})

	t.Run("parallel deletes", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		key := f.createNumbered(t, instance.Instance{Code: "c"}).Key()
		change := f.change("delete")
		errs := parallel(8, func(int) error { return f.Delete(t.Context(), key, change, nil, nil) })
		wantOneWinner(t, errs, instance.ErrNotFound)
		if n := len(f.history(t, key)); n != 2 {
			t.Errorf("%d events, want 2", n)
		}
	})

	// What is deleted is exactly the state that check saw.
	t.Run("against parallel updates", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		key := f.createNumbered(t, instance.Instance{}).Key()
		change := f.change("patch")
		deleted := f.change("delete")
		var seen int64
		errs := parallel(8, func(k int) error {
			if k == 4 {
				return f.Delete(t.Context(), key, deleted, nil, func(i instance.Instance) error {
					seen = i.Version
					return nil
				})
			}
			_, err := f.Update(t.Context(), key, change, nil, func(i instance.Instance) (instance.Instance, error) {
				i.Name += "."
				return i, nil
			})
			if errors.Is(err, instance.ErrNotFound) {
				return nil
			}
			return err
		})
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		events := f.history(t, key)
		if events[0].Operation != "delete" || events[0].Version != seen || int64(len(events)) != seen+1 {
			t.Errorf("check saw version %d, the delete records %d in %d events", seen, events[0].Version, len(events))
		}
		back, err := f.Restore(t.Context(), key, f.change("restore"))
		if err != nil {
			t.Fatal(err)
		}
		if back.Version != seen+1 {
			t.Errorf("version %d came back, %d was deleted", back.Version, seen)
		}
	})
}
