package bolt

import (
	"path/filepath"
	"testing"

	"instances/pkg/instance"
)

// openTest opens a new file until the test ends. Nothing waits for the disk.
func openTest(tb testing.TB, o Options) *Repository {
	tb.Helper()
	o.NoSync = true
	r, err := Open(filepath.Join(tb.TempDir(), "test.db"), o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = r.Close() })
	return r
}

// A pointer is there for as long as its instance is, and only where the id
// does not tell enough.
func TestPointers(t *testing.T) {
	t.Parallel()
	r := openTest(t, Options{})
	pointers := func(want int) {
		t.Helper()
		wantKeys(t, r, map[string]int{pointersBucket: want})
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
