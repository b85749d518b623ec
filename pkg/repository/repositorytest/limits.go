package repositorytest

import (
	"encoding/json"
	"strings"
	"testing"

	"instances/pkg/instance"
)

// sized returns i with attributes that make it exactly that big.
func sized(i instance.Instance, size int) instance.Instance {
	const empty = `{"a":""}`
	i.Attributes = nil
	fill := size - i.StoredSize() - len(empty)
	i.Attributes = json.RawMessage(`{"a":"` + strings.Repeat("x", fill) + `"}`)
	return i
}

// testLimits covers the size of an instance.
func testLimits(t *testing.T, open Opener) {
	t.Run("create", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		i := f.fresh(instance.Instance{Kind: idKind(), Collection: "c", ID: "x", Code: "code", Group: "g", Name: "n"})
		idem := &instance.Idempotency{Owner: "o", Route: "r", Key: "k", Answer: func(instance.Instance) ([]byte, error) { return nil, nil }, ExpiresAt: f.clock.Now().AddDate(1, 0, 0)}
		err := f.Create(t.Context(), sized(i, instance.MaxStoredBytes+1), f.change("create"), idem)
		wantError(t, err, instance.ErrTooLarge)
		_, err = f.Get(t.Context(), i.Key())
		wantError(t, err, instance.ErrNotFound)
		if n := len(f.history(t, i.Key())); n != 0 {
			t.Errorf("%d events, want none", n)
		}
		// The id, the code and the idempotency key are free.
		i = sized(i, instance.MaxStoredBytes)
		if err := f.Create(t.Context(), i, f.change("create"), idem); err != nil {
			t.Fatal(err)
		}
		wantInstance(t, f.get(t, i.Key()), i)
		f.remove(t, i.Key())
		if _, err := f.Restore(t.Context(), i.Key(), f.change("restore")); err != nil {
			t.Fatal(err)
		}
	})

	t.Run("replace", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		i := f.create(t, instance.Instance{Kind: idKind(), Collection: "c", ID: "x", Code: "code", Name: "n"})
		after := i
		after.Code = "other"
		_, err := f.Replace(t.Context(), i, sized(after, instance.MaxStoredBytes+1), f.change("replace"), nil)
		wantError(t, err, instance.ErrTooLarge)
		_, err = f.Update(t.Context(), i.Key(), f.change("patch"), nil, func(i instance.Instance) (instance.Instance, error) {
			return sized(i, instance.MaxStoredBytes+1), nil
		})
		wantError(t, err, instance.ErrTooLarge)
		wantInstance(t, f.get(t, i.Key()), i)
		if n := len(f.history(t, i.Key())); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
		f.create(t, instance.Instance{Kind: idKind(), Collection: "c", ID: "y", Code: "other"})
		stored, err := f.Replace(t.Context(), i, sized(i, instance.MaxStoredBytes), f.change("replace"), nil)
		if err != nil {
			t.Fatal(err)
		}
		wantInstance(t, f.get(t, i.Key()), stored)
	})

	// A list of big instances is read in parts and is complete.
	t.Run("many big ones", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		for range 5 {
			n, err := f.NextNumber(t.Context(), numberKind())
			if err != nil {
				t.Fatal(err)
			}
			f.create(t, sized(numbered(n, instance.Instance{Group: "g", Name: "n"}), 290<<10))
		}
		for _, q := range []instance.Query{{}, {Group: "g"}, {Name: "n"}} {
			q.Kind = numberKind()
			if ids := f.ids(t, q); len(ids) != 5 {
				t.Errorf("%+v finds %v", q, ids)
			}
		}
	})
}
