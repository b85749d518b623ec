package repositorytest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"

	"instances/pkg/instance"
)

// testRestore covers restoring from the trash.
func testRestore(t *testing.T, open Opener) {
	t.Run("everything comes back", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		i := f.createNumbered(t, instance.Instance{
			Code: "Code", Group: "g", SubGroup: "s", Name: "name", Status: "st", Active: true,
			LastSeenAt: f.clock.Now(), Attributes: json.RawMessage(`{ "a":1}`),
		})
		f.remove(t, i.Key())
		got, err := f.Restore(t.Context(), i.Key(), f.change("restore"))
		if err != nil {
			t.Fatal(err)
		}
		want := i
		want.Version, want.UpdatedAt = 2, f.clock.Now()
		wantInstance(t, got, want)
		wantInstance(t, f.get(t, i.Key()), want)
		for _, q := range []instance.Query{{}, {Code: "code"}, {Group: "G", SubGroup: "S"}, {Name: "AM"}} {
			q.Kind = numberKind()
			if ids := f.ids(t, q); fmt.Sprint(ids) != "["+i.ID+"]" {
				t.Errorf("%+v finds %v", q, ids)
			}
		}
		// The guard is back, and the instance can be used as before.
		other := f.fresh(numbered(2, instance.Instance{Code: "CODE"}))
		wantError(t, f.Create(t.Context(), other, f.change("create"), nil), instance.ErrCodeTaken)
		f.replace(t, i.Key(), func(i *instance.Instance) { i.Code = "new" })
		f.remove(t, i.Key())
	})

	t.Run("nothing in the trash", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		i := f.create(t, named("c", "x"))
		f.create(t, named("c", "xx"))
		f.remove(t, named("c", "xx").Key())
		_, err := f.Restore(t.Context(), i.Key(), f.change("restore"))
		wantError(t, err, instance.ErrNotFound)
		_, err = f.Restore(t.Context(), named("c", "never").Key(), f.change("restore"))
		wantError(t, err, instance.ErrNotFound)

		f.remove(t, i.Key())
		if _, err := f.Restore(t.Context(), i.Key(), f.change("restore")); err != nil {
			t.Fatal(err)
		}
		_, err = f.Restore(t.Context(), i.Key(), f.change("restore"))
		wantError(t, err, instance.ErrNotFound)
	})

	t.Run("id taken since", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		old := f.create(t, instance.Instance{Kind: idKind(), Collection: "c", ID: "x", Code: "old"})
		f.remove(t, old.Key())
		later := f.create(t, instance.Instance{Kind: idKind(), Collection: "c", ID: "x", Code: "later"})
		_, err := f.Restore(t.Context(), old.Key(), f.change("restore"))
		wantError(t, err, instance.ErrExists)
		wantInstance(t, f.get(t, old.Key()), later)
		f.create(t, instance.Instance{Kind: idKind(), Collection: "c", ID: "y", Code: "old"})
	})

	t.Run("code taken since", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		old := f.createNumbered(t, instance.Instance{Code: "code"})
		f.remove(t, old.Key())
		later := f.createNumbered(t, instance.Instance{Code: "CODE"})
		_, err := f.Restore(t.Context(), old.Key(), f.change("restore"))
		wantError(t, err, instance.ErrCodeTaken)
		_, err = f.Get(t.Context(), old.Key())
		wantError(t, err, instance.ErrNotFound)
		if n := len(f.history(t, old.Key())); n != 2 {
			t.Errorf("%d events, want 2", n)
		}
		// It stays in the trash until the code is free.
		f.remove(t, later.Key())
		if _, err := f.Restore(t.Context(), old.Key(), f.change("restore")); err != nil {
			t.Fatal(err)
		}
	})

	t.Run("the newest of one id", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		var last instance.Instance
		for n := range 3 {
			last = f.create(t, instance.Instance{Kind: idKind(), Collection: "c", ID: "x", Name: strconv.Itoa(n)})
			f.remove(t, last.Key())
		}
		for version := int64(2); version <= 3; version++ {
			got, err := f.Restore(t.Context(), last.Key(), f.change("restore"))
			if err != nil {
				t.Fatal(err)
			}
			if got.Name != last.Name || got.Incarnation != last.Incarnation || got.Version != version {
				t.Fatalf("%q came back in version %d, want %q in %d", got.Name, got.Version, last.Name, version)
			}
			_, err = f.Restore(t.Context(), last.Key(), f.change("restore"))
			wantError(t, err, instance.ErrExists)
			f.remove(t, last.Key())
		}
	})

	t.Run("parallel restores", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		i := f.createNumbered(t, instance.Instance{Code: "c"})
		f.remove(t, i.Key())
		change := f.change("restore")
		wins := 0
		for _, err := range parallel(8, func(int) error {
			_, err := f.Restore(t.Context(), i.Key(), change)
			return err
		}) {
			if err == nil {
				wins++
			}
		}
		if got := f.get(t, i.Key()); wins != 1 || got.Version != 2 {
			t.Errorf("%d restores succeeded, version is %d", wins, got.Version)
		}
		if n := len(f.history(t, i.Key())); n != 3 {
			t.Errorf("%d events, want 3", n)
		}
	})
}
