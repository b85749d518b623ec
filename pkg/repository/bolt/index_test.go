package bolt

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"testing"

	"go.etcd.io/bbolt"

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
		if _, err := r.Replace(t.Context(), i, after, instance.Change{}, nil); err != nil {
			t.Fatal(err)
		}
		pointers(want)
		if err := r.Delete(t.Context(), i.Key(), instance.Change{}, nil, nil); err != nil {
			t.Fatal(err)
		}
		pointers(0)
		if _, err := r.Restore(t.Context(), i.Key(), instance.Change{}); err != nil {
			t.Fatal(err)
		}
		pointers(want)
		if err := r.Delete(t.Context(), i.Key(), instance.Change{}, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
}

// A search reads no record but those of its answers: all others are damaged.
func TestSearchReadsAnswersOnly(t *testing.T) {
	t.Parallel()
	r := openTest(t, Options{})
	kind := instance.Kind{Name: "read", Order: instance.OrderNumber}
	const stored = 300
	for n := 1; n <= stored; n++ {
		i := instance.Instance{
			Kind: kind, Collection: instance.Block(int64(n)), ID: strconv.Itoa(n), Group: "all", SubGroup: fmt.Sprint("even", n%2),
			Status: []string{"RARE", "up", "Rare"}[n%3], Name: "most can find ", Version: 1,
		}
		if n%100 == 0 {
			i.Group, i.SubGroup, i.Status, i.Name = "few", "few", "few", "few can find me"
		}
		if n%100 == 1 {
			i.SubGroup, i.Status = "some", "rare"
		}
		if err := r.Create(t.Context(), i, instance.Change{}, nil); err != nil {
			t.Fatal(err)
		}
		if n%100 > 1 {
			if err := r.file.update(func(tx *bbolt.Tx) error {
				return bucket(tx, instancesBucket).b.Put(instanceKey(i), []byte("damaged"))
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, q := range []instance.Query{
		{Group: "few"},
		{SubGroup: "few"},
		{Status: "few"},
		{Status: "few", Collections: []string{instance.Block(1)}},
		{Group: "all", Status: "rare"},
		{Group: "all", SubGroup: "some", Status: "rare"},
		{SubGroup: "some", Status: "rare"},
		// Elsewhere it begins in one name and ends in the next.
		{Name: "find m"},
	} {
		q.Kind = kind
		if found := all(t, r.Search(t.Context(), q)); len(found) != 3 {
			t.Errorf("%+v finds %d, want 3", q, len(found))
		}
	}
	for _, q := range []instance.Query{{Group: "all", SubGroup: "few"}, {Group: "few", SubGroup: "even0"}} {
		q.Kind = kind
		if found := all(t, r.Search(t.Context(), q)); len(found) != 0 {
			t.Errorf("%+v finds %+v", q, found)
		}
	}
	for _, err := range r.Search(t.Context(), instance.Query{Kind: kind, Status: "up"}) {
		if !errors.Is(err, ErrDamaged) {
			t.Errorf("error is %v, want %v", err, ErrDamaged)
		}
	}
}

// A search reads no more at once than a bounded number of answers and bytes: the
// one after them is damaged.
func TestSearchReadsLittleAhead(t *testing.T) {
	t.Parallel()
	kind := instance.Kind{Name: "read", Order: instance.OrderNumber}
	for name, test := range map[string]struct{ size, want int }{
		"many": {1, batchSize},
		"big":  {290 << 10, batchBytes/(290<<10) + 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := openTest(t, Options{})
			for n := 1; n <= test.want+1; n++ {
				i := instance.Instance{
					Kind: kind, Collection: instance.Block(int64(n)), ID: strconv.Itoa(n), Group: "g", Name: "n", Version: 1,
					Attributes: make([]byte, test.size),
				}
				if err := r.file.update(func(tx *bbolt.Tx) error {
					if err := put(tx, i); err != nil || n <= test.want {
						return err
					}
					return bucket(tx, instancesBucket).b.Put(instanceKey(i), []byte("damaged"))
				}); err != nil {
					t.Fatal(err)
				}
			}
			for _, q := range []instance.Query{{}, {Group: "g"}, {Name: "n"}} {
				q.Kind = kind
				found := 0
				for _, err := range r.Search(t.Context(), q) {
					if err == nil {
						found++
					} else if !errors.Is(err, ErrDamaged) {
						t.Fatal(err)
					}
				}
				if found != test.want {
					t.Errorf("%+v finds %d before the damage, want %d", q, found, test.want)
				}
			}
		})
	}
}
