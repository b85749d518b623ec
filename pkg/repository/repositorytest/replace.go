package repositorytest

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"instances/pkg/instance"
)

// testReplace covers the conditional write of one instance.
func testReplace(t *testing.T, open Opener) {
	t.Run("stores and returns all fields", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		before := f.createNumbered(t, instance.Instance{Code: "c", Group: "g", SubGroup: "s", Name: "n", Attributes: json.RawMessage(`{"a":1}`)})
		change := f.change("replace")
		change.At = change.At.Add(999 * time.Microsecond).In(time.FixedZone("", -3600))
		after := numbered(1, instance.Instance{
			Code: "c2", Group: "g2", SubGroup: "s2", Name: "n2", Owner: "o2", Status: "st2", Active: true,
			LastSeenAt: change.At.Add(time.Minute), Attributes: json.RawMessage(`{"a": 2}`),
			// The repository sets what follows, whatever the caller says.
			Version: 77, Incarnation: "made up", CreatedAt: f.clock.Now(),
		})
		after.ID, after.Collection = "77", "elsewhere"
		stored, err := f.Replace(t.Context(), before, after, change, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := after
		want.ID, want.Collection = before.ID, before.Collection
		want.Version, want.Incarnation, want.CreatedAt = 2, before.Incarnation, before.CreatedAt
		want.UpdatedAt = change.At.UTC().Truncate(time.Millisecond)
		want.LastSeenAt = want.UpdatedAt.Add(time.Minute)
		wantInstance(t, stored, want)
		wantInstance(t, f.get(t, before.Key()), want)
		if stored.Revision() == before.Revision() {
			t.Error("the revision did not change")
		}

		// And back to empty.
		bare, err := f.Replace(t.Context(), stored, instance.Instance{Kind: numberKind()}, f.change("replace"), nil)
		if err != nil {
			t.Fatal(err)
		}
		want = numbered(1, instance.Instance{
			Version: 3, Incarnation: before.Incarnation, CreatedAt: before.CreatedAt, UpdatedAt: f.clock.Now(),
		})
		wantInstance(t, bare, want)
		wantInstance(t, f.get(t, before.Key()), want)
	})

	t.Run("only what was read", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		first := f.createNumbered(t, instance.Instance{Code: "c", Name: "one"})
		second := f.replace(t, first.Key(), func(i *instance.Instance) { i.Name = "two" })
		stale := first
		stale.Name, stale.Code = "lost", "lost"
		_, err := f.Replace(t.Context(), first, stale, f.change("replace"), nil)
		wantError(t, err, instance.ErrConflict)
		wantInstance(t, f.get(t, first.Key()), second)
		if n := len(f.history(t, first.Key())); n != 2 {
			t.Errorf("%d events, want 2", n)
		}
		f.createNumbered(t, instance.Instance{Code: "lost"})
	})

	t.Run("not what was deleted", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		i := f.create(t, instance.Instance{Kind: idKind(), Collection: "c", ID: "x", Code: "c"})
		f.remove(t, i.Key())
		after := i
		after.Name = "ghost"
		_, err := f.Replace(t.Context(), i, after, f.change("replace"), nil)
		wantError(t, err, instance.ErrNotFound)
		_, err = f.Get(t.Context(), i.Key())
		wantError(t, err, instance.ErrNotFound)
	})

	// A later instance with the same ID and version is a different one.
	t.Run("not a later incarnation", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		old := f.create(t, named("c", "x"))
		f.remove(t, old.Key())
		later := f.create(t, named("c", "x"))
		if old.Revision() == later.Revision() {
			t.Fatal("both incarnations have one revision")
		}
		after := old
		after.Name = "ghost"
		_, err := f.Replace(t.Context(), old, after, f.change("replace"), nil)
		wantError(t, err, instance.ErrConflict)
		wantInstance(t, f.get(t, old.Key()), later)
	})

	t.Run("parallel replaces of one version", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		before := f.createNumbered(t, instance.Instance{})
		change := f.change("replace")
		errs := parallel(16, func(k int) error {
			after := before
			after.Name = strconv.Itoa(k)
			_, err := f.Replace(t.Context(), before, after, change, nil)
			return err
		})
		winner := wantOneWinner(t, errs, instance.ErrConflict)
		if got := f.get(t, before.Key()); got.Name != strconv.Itoa(winner) || got.Version != 2 {
			t.Errorf("stored is %s, version %d; call %d won", got.Name, got.Version, winner)
		}
	})
}
