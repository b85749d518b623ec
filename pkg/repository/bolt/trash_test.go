package bolt_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"instances/pkg/instance"
	"instances/pkg/repository/bolt"
)

// Lists of what is due are read in parts; the consumer may write between and
// within them, and what it reads is whole all the same.
func TestDueInManyParts(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	const stored = 520
	r := open(t, filepath.Join(t.TempDir(), "test.db"), bolt.Options{NoSync: true, HistoryRetention: time.Hour})
	for n := int64(1); n <= stored; n++ {
		i := sample(n)
		i.IdleSince = at.Add(time.Duration(n) * time.Hour)
		if err := r.Create(t.Context(), i, instance.Change{At: at}, nil); err != nil {
			t.Fatal(err)
		}
	}
	before := at.AddDate(1, 0, 0)
	n := 0
	for i, err := range r.Idle(t.Context(), numbered(), before) {
		if err != nil {
			t.Fatal(err)
		}
		n++
		change := instance.Change{At: at.Add(time.Duration(n) * time.Second)}
		if err := r.Delete(t.Context(), i.Key(), change, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	if n != stored {
		t.Errorf("%d are idle, want %d", n, stored)
	}
	n = 0
	for d, err := range r.Deleted(t.Context(), numbered(), time.Time{}) {
		n++
		if want := at.Add(time.Duration(n) * time.Second); err != nil || d.DeletedAt != want {
			t.Fatalf("number %d was deleted at %v, %v, want %v", n, d.DeletedAt, err, want)
		}
		if err := r.Purge(t.Context(), d, instance.Change{At: at}); err != nil {
			t.Fatal(err)
		}
	}
	if n != stored {
		t.Errorf("%d were deleted, want %d", n, stored)
	}
	for d, err := range r.Deleted(t.Context(), numbered(), time.Time{}) {
		t.Fatalf("%v is in the trash, %v", d.Key(), err)
	}
	if expired, err := r.Tidy(t.Context(), nil, before, 0); err != nil || expired != 3*stored {
		t.Errorf("expired are %d, %v, want %d", expired, err, 3*stored)
	}
	for left := 3 * stored; ; left -= 1000 {
		got, err := r.Tidy(t.Context(), nil, before, 1000)
		if err != nil || got != min(left, 1000) {
			t.Fatalf("removed are %d, %v of %d", got, err, left)
		}
		if got < 1000 {
			break
		}
	}
	if expired, err := r.Tidy(t.Context(), nil, before, 0); err != nil || expired != 0 {
		t.Errorf("expired are %d, %v", expired, err)
	}
}

// Whatever the texts are, what is listed is what can be purged, and no other.
func TestPurgeAnyTexts(t *testing.T) {
	t.Parallel()
	r := open(t, filepath.Join(t.TempDir(), "test.db"), bolt.Options{NoSync: true})
	text := rapid.StringOfN(rapid.RuneFrom([]rune("\x00\x01\x02aA\u00ff")), 1, 3, -1)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		kind := instance.Kind{Name: fmt.Sprint("kind", run)}
		left := map[string]int{}
		name := func(d instance.Deleted) string {
			return fmt.Sprintf("%q %q %q %v", d.Collection, d.ID, d.Incarnation, d.DeletedAt)
		}
		for range rapid.IntRange(1, 10).Draw(t, "instances") {
			d := instance.Deleted{DeletedAt: at.Add(time.Duration(rapid.IntRange(0, 2).Draw(t, "ms")) * time.Millisecond)}
			d.Kind, d.Collection, d.ID = kind, text.Draw(t, "collection"), text.Draw(t, "id")
			d.Incarnation, d.Version = text.Draw(t, "incarnation"), 1
			if err := r.Create(t.Context(), d.Instance, instance.Change{At: at}, nil); err != nil {
				t.Fatal(err)
			}
			if err := r.Delete(t.Context(), d.Key(), instance.Change{At: d.DeletedAt}, nil, nil); err != nil {
				t.Fatal(err)
			}
			left[name(d)]++
		}
		for d, err := range r.Deleted(t.Context(), kind, time.Time{}) {
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Purge(t.Context(), d, instance.Change{At: at}); err != nil {
				t.Fatal(err)
			}
			if left[name(d)]--; left[name(d)] == 0 {
				delete(left, name(d))
			}
		}
		for d, err := range r.Deleted(t.Context(), kind, time.Time{}) {
			t.Fatalf("%v is in the trash, %v", d.Key(), err)
		}
		if len(left) != 0 {
			t.Fatalf("not listed are %v", left)
		}
	})
}
