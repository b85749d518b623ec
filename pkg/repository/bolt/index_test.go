package bolt

import (
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"

	"instances/pkg/instance"
)

// A pointer is there for as long as its instance is, and only where the id
// does not tell enough.
func TestPointers(t *testing.T) {
	t.Parallel()
	r, err := Open(filepath.Join(t.TempDir(), "test.db"), Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	pointers := func(want int) {
		t.Helper()
		err := r.view(t.Context(), "count", func(tx *bbolt.Tx) error {
			if n := bucket(tx, pointersBucket).b.Stats().KeyN; n != want {
				t.Errorf("%d pointers, want %d", n, want)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	kind := instance.Kind{Name: "timed", Order: instance.OrderTime}
	for id, want := range map[string]int{"imported": 1, "019b7ca9-8f2e-7abc-8def-0123456789ab": 0} {
		i := instance.Instance{Kind: kind, Collection: "c", ID: id, Group: "g", Version: 1}
		if err := r.Create(t.Context(), i, instance.Change{}, nil); err != nil {
			t.Fatal(err)
		}
		pointers(want)
		after := i
		after.Group = "other"
		if _, err := r.Replace(t.Context(), i, after, instance.Change{}); err != nil {
			t.Fatal(err)
		}
		pointers(want)
		if err := r.Delete(t.Context(), i.Key(), instance.Change{}, nil); err != nil {
			t.Fatal(err)
		}
		pointers(0)
		if _, err := r.Restore(t.Context(), i.Key(), instance.Change{}); err != nil {
			t.Fatal(err)
		}
		pointers(want)
		if err := r.Delete(t.Context(), i.Key(), instance.Change{}, nil); err != nil {
			t.Fatal(err)
		}
	}
}
