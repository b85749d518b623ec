package repositorytest

import (
	"encoding/json"
	"testing"
	"time"

	"instances/pkg/instance"
)

// testHistory covers the record of who changed what.
func testHistory(t *testing.T, open Opener) {
	t.Run("every write, newest first", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		var want []instance.Event
		record := func(c instance.Change, stored instance.Instance, fields []instance.FieldChange) {
			want = append([]instance.Event{{
				Key: stored.Key(), Change: c, Incarnation: stored.Incarnation, Version: stored.Version, Fields: fields,
			}}, want...)
		}
		ctx := t.Context()

		created := f.change("create")
		created.By, created.Owner = "some key", "some owner"
		first := f.fresh(instance.Instance{
			Kind: idKind(), Collection: "c", ID: "x", Code: "<code>", Group: "g", Active: true,
			Attributes: json.RawMessage(`{"list": [1, 2], "text": "a&b", "same": true}`),
		})
		if err := f.Create(ctx, first, created, nil); err != nil {
			t.Fatal(err)
		}
		record(created, first, instance.Diff(instance.Instance{}, first))

		after := first
		after.Group, after.Name, after.Active = "", "näme", false
		after.Attributes = json.RawMessage(`{"list": [1, 2, 3], "same": true, "new": null}`)
		replaced := f.change("replace")
		second, err := f.Replace(ctx, first, after, replaced, nil)
		if err != nil {
			t.Fatal(err)
		}
		record(replaced, second, instance.Diff(first, second))

		patched := f.change("patch")
		third, err := f.Update(ctx, first.Key(), patched, nil, func(i instance.Instance) (instance.Instance, error) {
			i.Status = "up"
			return i, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		record(patched, third, instance.Diff(second, third))

		deleted := f.change("delete")
		if err := f.Delete(ctx, first.Key(), deleted, nil, nil); err != nil {
			t.Fatal(err)
		}
		record(deleted, third, nil)
		wantEvents(t, f.history(t, first.Key()), want)

		restored := f.change("restore")
		fourth, err := f.Restore(ctx, first.Key(), restored)
		if err != nil {
			t.Fatal(err)
		}
		record(restored, fourth, nil)

		deleted = f.change("delete")
		if err := f.Delete(ctx, first.Key(), deleted, nil, nil); err != nil {
			t.Fatal(err)
		}
		record(deleted, fourth, nil)

		// A later incarnation continues the same history.
		created = f.change("create")
		later := f.fresh(named("c", "x"))
		if err := f.Create(ctx, later, created, nil); err != nil {
			t.Fatal(err)
		}
		record(created, later, instance.Diff(instance.Instance{}, later))

		wantEvents(t, f.history(t, first.Key()), want)
		for _, limit := range []int{1, 3, len(want), len(want) + 1} {
			got := collect(t, f.History(ctx, instance.HistoryQuery{Key: first.Key(), Limit: limit}))
			wantEvents(t, got, want[:min(limit, len(want))])
		}
	})

	t.Run("early break", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		i := f.create(t, named("c", "x"))
		f.remove(t, i.Key())
		for e, err := range f.History(t.Context(), instance.HistoryQuery{Key: i.Key()}) {
			if err != nil || e.Operation != "delete" {
				t.Fatalf("newest is %q, %v", e.Operation, err)
			}
			break
		}
		f.create(t, named("c", "x"))
	})

	t.Run("of this instance only", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		f.create(t, named("c", "x"))
		f.create(t, named("c", "xx"))
		f.create(t, named("d", "x"))
		f.createNumbered(t, instance.Instance{})
		if n := len(f.history(t, named("c", "x").Key())); n != 1 {
			t.Errorf("%d events, want 1", n)
		}
		if n := len(f.history(t, named("c", "never").Key())); n != 0 {
			t.Errorf("%d events of nothing", n)
		}
	})

	t.Run("ends with its retention", func(t *testing.T) {
		t.Parallel()
		f := startKeeping(t, open, 24*time.Hour)
		key := f.create(t, named("c", "x")).Key()
		f.clock.advance(23 * time.Hour)
		f.replace(t, key, func(i *instance.Instance) { i.Name = "n" })
		if n := len(f.history(t, key)); n != 2 {
			t.Fatalf("%d events within the retention, want 2", n)
		}
		f.clock.advance(2 * time.Hour)
		if events := f.history(t, key); len(events) != 1 || events[0].Operation != "replace" {
			t.Fatalf("%+v is left, want the replace", events)
		}
	})

	t.Run("forever without a retention", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		key := f.create(t, named("c", "x")).Key()
		f.clock.advance(100 * 365 * 24 * time.Hour)
		if n := len(f.history(t, key)); n != 1 {
			t.Fatalf("%d events, want 1", n)
		}
	})
}
