package dynamo_test

import (
	"context"
	"fmt"
	"iter"
	"testing"
	"time"

	"instances/pkg/auth"
	"instances/pkg/instance"
	"instances/pkg/repository"
)

// What each operation sends, and what it consumes: units of reading and
// writing, as the engine counts them. It rounds up the sum of a transaction,
// where AWS rounds up each item. Nothing is ever scanned.
func TestCalls(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.create(t, 3)
	at := f.change("").At
	drain := func(found iter.Seq2[instance.Instance, error]) error {
		for _, err := range found {
			if err != nil {
				return err
			}
		}
		return nil
	}
	search := func(q instance.Query) func(context.Context) error {
		if q.Kind.Name == "" {
			q.Kind = numbered()
		}
		return func(ctx context.Context) error { return drain(f.Search(ctx, q)) }
	}
	var made, stored instance.Instance
	credential := auth.Credential{Name: "name", Owner: "owner", Hash: auth.Hash("secret"), CreatedAt: at}
	block := instance.Block(0)
	// One whose id tells its place, and one whose id does not.
	known, pointed := f.freshTimed(instance.NewTimeID(at)), f.freshTimed("imported")
	get := func(key instance.Key) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := f.Get(ctx, key)
			return err
		}
	}
	create := func(i instance.Instance) func(context.Context) error {
		return func(ctx context.Context) error { return f.Create(ctx, i, f.change("create"), nil) }
	}
	touch := func(key instance.Key, d time.Duration) func(context.Context) error {
		return func(ctx context.Context) error { return f.Touch(ctx, key, at.Add(d)) }
	}
	patch := func(key instance.Key) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := f.Update(ctx, key, f.change("patch"), func(i instance.Instance) (instance.Instance, error) {
				i.Status = "down"
				return i, nil
			})
			return err
		}
	}
	remove := func(key instance.Key) func(context.Context) error {
		return func(ctx context.Context) error { return f.Delete(ctx, key, f.change("delete"), nil) }
	}
	restore := func(key instance.Key) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := f.Restore(ctx, key, f.change("restore"))
			return err
		}
	}
	// Each step goes on with what those before it stored.
	for _, step := range []struct {
		name          string
		run           func(ctx context.Context) error
		calls         string
		reads, writes float64
	}{
		{"next number", func(ctx context.Context) error {
			n, err := f.NextNumber(ctx, numbered())
			made = f.fresh(n)
			return err
		}, "[UpdateItem]", 0, 1},
		{"create", func(ctx context.Context) error {
			return f.Create(ctx, made, f.change("create"), nil)
		}, "[TransactWriteItems]", 0, 10},
		{"create with idempotency key", func(ctx context.Context) error {
			return f.Create(ctx, f.fresh(100), f.change("create"), &instance.Idempotency{
				Owner: "o", Route: "r", Key: "k", Answer: []byte("{}"), ExpiresAt: time.Now().Add(time.Hour),
			})
		}, "[TransactWriteItems]", 0, 10},
		{"get", func(ctx context.Context) error {
			var err error
			stored, err = f.Get(ctx, made.Key())
			return err
		}, "[GetItem]", 1, 0},
		{"replace", func(ctx context.Context) error {
			after := stored
			after.Status = "up"
			var err error
			stored, err = f.Replace(ctx, stored, after, f.change("replace"))
			return err
		}, "[TransactWriteItems]", 0, 2},
		{"update", func(ctx context.Context) error {
			_, err := f.Update(ctx, made.Key(), f.change("patch"), func(i instance.Instance) (instance.Instance, error) {
				i.Status = "down"
				return i, nil
			})
			return err
		}, "[GetItem TransactWriteItems]", 1, 2},
		{"update of code, group and name", func(ctx context.Context) error {
			_, err := f.Update(ctx, made.Key(), f.change("patch"), func(i instance.Instance) (instance.Instance, error) {
				i.Code, i.Group, i.Name = "other", "other", "other"
				return i, nil
			})
			return err
		}, "[GetItem TransactWriteItems]", 1, 14},
		{"search by code", search(instance.Query{Code: "code-1"}), "[Query BatchGetItem]", 1.5, 0},
		{"search by code that is not there", search(instance.Query{Code: "none"}), "[Query GetItem]", 1, 0},
		{"search by group", search(instance.Query{Group: "group"}), "[Query BatchGetItem]", 4.5, 0},
		{"search by group and subgroup", search(instance.Query{Group: "group", SubGroup: "sub"}), "[Query BatchGetItem]", 4.5, 0},
		{"search by name", search(instance.Query{Name: "name 2"}), "[Query Query BatchGetItem]", 2.5, 0},
		{"search by name in a collection", search(instance.Query{Name: "name 2", Collections: []string{block}}), "[Query BatchGetItem]", 1.5, 0},
		{"list", search(instance.Query{}), "[Query Query]", 2, 0},
		{"list of a collection", search(instance.Query{Collections: []string{block}}), "[Query]", 1, 0},
		{"list, limited", search(instance.Query{Limit: 2}), "[Query Query]", 2, 0},
		{"delete", func(ctx context.Context) error {
			return f.Delete(ctx, made.Key(), f.change("delete"), nil)
		}, "[GetItem TransactWriteItems]", 1, 10},
		{"restore", func(ctx context.Context) error {
			_, err := f.Restore(ctx, made.Key(), f.change("restore"))
			return err
		}, "[Query TransactWriteItems]", 1, 10},
		{"history", func(ctx context.Context) error {
			for _, err := range f.History(ctx, made.Key(), 0) {
				if err != nil {
					return err
				}
			}
			return nil
		}, "[Query]", 1, 0},
		{"create by time", create(known), "[TransactWriteItems]", 0, 10},
		{"get by time", get(known.Key()), "[GetItem]", 1, 0},
		{"update by time", patch(known.Key()), "[GetItem TransactWriteItems]", 1, 2},
		{"create with pointer", create(pointed), "[TransactWriteItems]", 0, 10},
		{"get by pointer", get(pointed.Key()), "[GetItem GetItem]", 2, 0},
		{"update by pointer", patch(pointed.Key()), "[GetItem GetItem TransactWriteItems]", 2, 2},
		{"list by time", search(instance.Query{Kind: timed(), Collections: []string{known.Collection}}), "[Query]", 1, 0},
		{"touch by time", touch(known.Key(), time.Hour), "[UpdateItem]", 0, 1},
		// The engine counts a unit, but does not tell.
		{"touch that comes late", touch(known.Key(), time.Minute), "[UpdateItem]", 0, 0},
		{"touch by pointer", touch(pointed.Key(), time.Hour), "[GetItem UpdateItem]", 1, 1},
		{"delete by time", remove(known.Key()), "[GetItem TransactWriteItems]", 1, 10},
		{"restore by time", restore(known.Key()), "[Query TransactWriteItems]", 1, 10},
		{"delete with pointer", remove(pointed.Key()), "[GetItem GetItem TransactWriteItems]", 2, 10},
		{"restore with pointer", restore(pointed.Key()), "[Query TransactWriteItems]", 1, 10},
		{"set document", func(ctx context.Context) error {
			return f.SetDocument(ctx, "document", []byte("data"))
		}, "[TransactWriteItems]", 0, 2},
		{"document", func(ctx context.Context) error {
			_, err := f.Document(ctx, "document")
			return err
		}, "[GetItem]", 1, 0},
		{"create key", func(ctx context.Context) error {
			return f.CreateCredential(ctx, credential)
		}, "[TransactWriteItems]", 0, 2},
		{"key", func(ctx context.Context) error {
			_, err := f.Credential(ctx, credential.Hash)
			return err
		}, "[GetItem]", 1, 0},
		{"list keys", func(ctx context.Context) error {
			for _, err := range f.Credentials(ctx) {
				if err != nil {
					return err
				}
			}
			return nil
		}, "[Query]", 1, 0},
		{"revoke key", func(ctx context.Context) error {
			_, err := f.RevokeCredential(ctx, credential.Name, at)
			return err
		}, "[GetItem TransactWriteItems]", 1, 2},
		{"reserve numbers", func(ctx context.Context) error {
			return f.ReserveNumbers(ctx, numbered(), 9_999)
		}, "[UpdateItem]", 0, 1},
		{"next number of a new block", func(ctx context.Context) error {
			_, err := f.NextNumber(ctx, numbered())
			return err
		}, "[UpdateItem TransactWriteItems UpdateItem]", 0, 4},
	} {
		f.wire.inject(nil)
		ctx, meter := repository.WithMeter(t.Context())
		if err := step.run(ctx); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		used := meter.Total()
		if got := fmt.Sprint(f.wire.sent()); got != step.calls {
			t.Errorf("%s: sends %s, want %s", step.name, got, step.calls)
		}
		if used.Calls != len(f.wire.sent()) || used.ReadUnits != step.reads || used.WriteUnits != step.writes {
			t.Errorf("%s: consumes %+v, want %v reads, %v writes", step.name, used, step.reads, step.writes)
		}
	}
}
