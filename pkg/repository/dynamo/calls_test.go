package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"instances/pkg/auth"
	"instances/pkg/instance"
	"instances/pkg/repository/capacity"
)

// What each operation sends, and what it consumes: units of reading and
// writing, as the engine counts them. It rounds up the sum of a transaction,
// where AWS rounds up each item. Nothing but all instances is ever scanned.
func TestCalls(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.create(t, 3)
	at := f.change("").At
	search := func(q instance.Query) func(context.Context) error {
		if q.Kind.Name == "" {
			q.Kind = numbered()
		}
		return func(ctx context.Context) error { return drain(f.Search(ctx, q)) }
	}
	var made, stored instance.Instance
	credential := auth.Credential{Name: "name", Owner: "owner", Hash: auth.Hash("secret"), CreatedAt: at}
	expiring := auth.Credential{Name: "other", Owner: "owner", Hash: auth.Hash("other"), CreatedAt: at, ExpiresAt: at.Add(time.Hour)}
	block := instance.Block(0)
	// An instance alone in its collection.
	alone := f.fresh(5 * instance.BlockSize)
	var trashed instance.Deleted
	sixteen := func(last string) string { return "[" + strings.Repeat("Query ", 15) + last + "]" }
	// One whose id tells its place, and one whose id does not.
	known, pointed := f.freshTimed(instance.NewTimeID(at)[:14]+"7000-8000-000000000000"), f.freshTimed("imported")
	get := func(key instance.Key) func(context.Context) error {
		return func(ctx context.Context) error { return failure(f.Get(ctx, key)) }
	}
	create := func(i instance.Instance) func(context.Context) error {
		return func(ctx context.Context) error { return f.Create(ctx, i, f.change("create"), nil) }
	}
	touch := func(key instance.Key, d time.Duration) func(context.Context) error {
		return func(ctx context.Context) error { return f.Touch(ctx, key, at.Add(d)) }
	}
	update := func(stored *instance.Instance, modify func(*instance.Instance)) func(context.Context) error {
		return func(ctx context.Context) error {
			return failure(f.Update(ctx, stored.Key(), f.change("patch"), nil, func(i instance.Instance) (instance.Instance, error) {
				modify(&i)
				return i, nil
			}))
		}
	}
	keyedUpdate := func(key string, refuse bool) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := f.Update(ctx, made.Key(), f.change("patch"), keyed(key), func(i instance.Instance) (instance.Instance, error) {
				if refuse {
					return i, errors.New("refused")
				}
				i.Active = true
				return i, nil
			})
			if _, repeated := errors.AsType[*instance.RepeatedError](err); repeated {
				return nil
			}
			return err
		}
	}
	down := func(i *instance.Instance) { i.Status = "down" }
	remove := func(key instance.Key) func(context.Context) error {
		return func(ctx context.Context) error { return f.Delete(ctx, key, f.change("delete"), nil, nil) }
	}
	restore := func(key instance.Key) func(context.Context) error {
		return func(ctx context.Context) error { return failure(f.Restore(ctx, key, f.change("restore"))) }
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
		{"create", func(ctx context.Context) error { return f.Create(ctx, made, f.change("create"), nil) }, "[TransactWriteItems]", 0, 14},
		{"create with idempotency key", func(ctx context.Context) error {
			return f.Create(ctx, f.fresh(100), f.change("create"), &instance.Idempotency{
				Owner: "o", Route: "r", Key: "k", Answer: func(instance.Instance) ([]byte, error) { return []byte("{}"), nil }, ExpiresAt: time.Now().Add(time.Hour),
			})
		}, "[TransactWriteItems]", 0, 14},
		{"get", func(ctx context.Context) error {
			var err error
			stored, err = f.Get(ctx, made.Key())
			return err
		}, "[GetItem]", 1, 0},
		{"replace", func(ctx context.Context) error {
			after := stored
			after.Status = "up"
			var err error
			stored, err = f.Replace(ctx, stored, after, f.change("replace"), nil)
			return err
		}, "[TransactWriteItems]", 0, 12},
		{"update", update(&made, down), "[GetItem TransactWriteItems]", 1, 12},
		{"rename", update(&made, func(i *instance.Instance) { i.Name = "renamed" }), "[GetItem TransactWriteItems]", 1, 12},
		{"update of what is in no index", update(&made, func(i *instance.Instance) { i.Active = !i.Active }), "[GetItem TransactWriteItems]", 1, 2},
		{"update of code, group and name", update(&made, func(i *instance.Instance) { i.Code, i.Group, i.Name = "other", "other", "other" }), "[GetItem TransactWriteItems]", 1, 18},
		{"update with idempotency key", keyedUpdate("one", false), "[GetItem TransactWriteItems]", 1, 2},
		{"repeated update", keyedUpdate("one", false), "[GetItem TransactWriteItems]", 1, 0},
		{"refused repeated update", keyedUpdate("one", true), "[GetItem GetItem]", 2, 0},
		{"update of nothing with idempotency key", keyedUpdate("two", false), "[GetItem TransactWriteItems]", 1, 2},
		{"search by code", search(instance.Query{Code: "code-1"}), "[Query BatchGetItem]", 1.5, 0},
		{"search by code that is not there", search(instance.Query{Code: "none"}), "[Query GetItem]", 1, 0},
		{"search by group", search(instance.Query{Group: "group"}), "[Query BatchGetItem]", 4.5, 0},
		{"search by group and subgroup", search(instance.Query{Group: "group", SubGroup: "sub"}), "[Query BatchGetItem]", 4.5, 0},
		{"search by name", search(instance.Query{Name: "name 2"}), "[Query Query BatchGetItem]", 2.5, 0},
		{"search by name in a collection", search(instance.Query{Name: "name 2", Collections: []string{block}}), "[Query BatchGetItem]", 1.5, 0},
		{"search by group and status", search(instance.Query{Group: "group", Status: "created"}), "[Query BatchGetItem]", 4.5, 0},
		{"search by subgroup", search(instance.Query{SubGroup: "sub"}), "[Query BatchGetItem]", 5.5, 0},
		{"search by status", search(instance.Query{Status: "down"}), "[Query BatchGetItem]", 1.5, 0},
		{"search by status in a collection", search(instance.Query{Status: "down", Collections: []string{block}}), "[Query BatchGetItem]", 1.5, 0},
		{"search by status that is not there", search(instance.Query{Status: "Down", Collections: []string{block}}), "[Query]", 0, 0},
		{"list", search(instance.Query{}), "[Query Query]", 2, 0},
		{"list of a collection", search(instance.Query{Collections: []string{block}}), "[Query]", 1, 0},
		{"list, limited", search(instance.Query{Limit: 2}), "[Query Query]", 2, 0},
		{"delete", func(ctx context.Context) error { return f.Delete(ctx, made.Key(), f.change("delete"), nil, nil) }, "[GetItem TransactWriteItems]", 1, 14},
		{"restore", func(ctx context.Context) error { return failure(f.Restore(ctx, made.Key(), f.change("restore"))) }, "[Query TransactWriteItems]", 1, 14},
		{"history", func(ctx context.Context) error { return drain(f.History(ctx, instance.HistoryQuery{Key: made.Key()})) }, "[Query]", 1, 0},
		{"create by time", create(known), "[TransactWriteItems]", 0, 16},
		{"get by time", get(known.Key()), "[GetItem]", 1, 0},
		{"update by time", update(&known, down), "[GetItem TransactWriteItems]", 1, 12},
		{"create with pointer", create(pointed), "[TransactWriteItems]", 0, 16},
		{"get by pointer", get(pointed.Key()), "[GetItem GetItem]", 2, 0},
		{"update by pointer", update(&pointed, down), "[GetItem GetItem TransactWriteItems]", 2, 12},
		{"list by time", search(instance.Query{Kind: timed(), Collections: []string{known.Collection}}), "[Query]", 1, 0},
		// The index of what is idle changes with the day.
		{"touch by time", touch(known.Key(), time.Hour), "[UpdateItem]", 0, 1},
		{"touch on another day", touch(known.Key(), 25*time.Hour), "[UpdateItem]", 0, 3},
		// The engine counts a unit, but does not tell.
		{"touch that comes late", touch(known.Key(), time.Minute), "[UpdateItem]", 0, 0},
		{"touch by pointer", touch(pointed.Key(), time.Hour), "[GetItem UpdateItem]", 1, 1},
		{"delete by time", remove(known.Key()), "[GetItem TransactWriteItems]", 1, 16},
		{"restore by time", restore(known.Key()), "[Query TransactWriteItems]", 1, 16},
		{"delete with pointer", remove(pointed.Key()), "[GetItem GetItem TransactWriteItems]", 2, 16},
		{"restore with pointer", restore(pointed.Key()), "[Query TransactWriteItems]", 1, 16},
		{"set document", func(ctx context.Context) error { return f.SetDocument(ctx, "document", []byte("data")) }, "[TransactWriteItems]", 0, 2},
		{"document", func(ctx context.Context) error { return failure(f.Document(ctx, "document")) }, "[GetItem]", 1, 0},
		{"create key", func(ctx context.Context) error { return f.CreateCredential(ctx, credential) }, "[TransactWriteItems]", 0, 2},
		{"key", func(ctx context.Context) error { return failure(f.Credential(ctx, credential.Hash)) }, "[GetItem]", 1, 0},
		{"list keys", func(ctx context.Context) error { return drain(f.Credentials(ctx)) }, "[Query]", 1, 0},
		{"key by name", func(ctx context.Context) error { return failure(f.NamedCredential(ctx, credential.Name)) }, "[GetItem]", 1, 0},
		{"revoke key", func(ctx context.Context) error { return failure(f.RevokeCredential(ctx, credential.Name, at)) }, "[GetItem TransactWriteItems]", 1, 2},
		{"create key that expires", func(ctx context.Context) error { return f.CreateCredential(ctx, expiring) }, "[TransactWriteItems]", 0, 2},
		{"revoke key that expires", func(ctx context.Context) error {
			return failure(f.RevokeCredential(ctx, expiring.Name, at.Add(time.Second)))
		}, "[GetItem TransactWriteItems]", 1, 2},
		{"ended keys, none", func(ctx context.Context) error { return drain(f.EndedCredentials(ctx, at)) }, "[Query]", 0, 0},
		{"ended keys", func(ctx context.Context) error {
			var err error
			for expiring, err = range f.EndedCredentials(ctx, at.Add(time.Minute)) {
				if err != nil {
					return err
				}
			}
			return nil
		}, "[Query BatchGetItem]", 3, 0},
		{"purge key", func(ctx context.Context) error { return f.PurgeCredential(ctx, expiring) }, "[GetItem TransactWriteItems]", 1, 2},
		{"deleted, none due", func(ctx context.Context) error { return drain(f.Deleted(ctx, numbered(), at)) }, sixteen("Query"), 0, 0},
		{"create alone", create(alone), "[TransactWriteItems TransactWriteItems]", 0, 16},
		{"delete alone", remove(alone.Key()), "[GetItem TransactWriteItems]", 1, 14},
		{"deleted", func(ctx context.Context) error {
			var err error
			for trashed, err = range f.Deleted(ctx, numbered(), time.Time{}) {
				if err != nil {
					return err
				}
			}
			return nil
		}, sixteen("Query"), 1, 0},
		{"purge", func(ctx context.Context) error { return f.Purge(ctx, trashed, f.change("purge")) }, "[TransactWriteItems]", 0, 2},
		// The counter, the directory, and the collections that are not spared.
		{"tidy nothing", func(ctx context.Context) error { return f.tidy(ctx, 0) }, "[GetItem Query Query]", 2, 0},
		{"tidy", func(ctx context.Context) error { return f.tidy(ctx, 1) }, "[GetItem Query Query TransactWriteItems]", 2, 2},
		{"idle, none due", func(ctx context.Context) error { return drain(f.Idle(ctx, timed(), at.Add(-24*time.Hour))) }, sixteen("Query"), 0, 0},
		{"idle", func(ctx context.Context) error { return drain(f.Idle(ctx, timed(), at.Add(48*time.Hour))) }, "[" + strings.Repeat("Query ", 6) + "BatchGetItem " + strings.Repeat("Query ", 4) + "BatchGetItem" + strings.Repeat(" Query", 6) + "]", 3, 0},
		{"tidy kinds without a directory", func(ctx context.Context) error {
			n, err := f.Tidy(ctx, []instance.Kind{timed()}, time.Now().Add(48*time.Hour), 1)
			if n != 0 {
				t.Errorf("%d are removed", n)
			}
			return err
		}, "[]", 0, 0},
		// Whatever there is in the table.
		{"all", func(ctx context.Context) error { return drain(f.All(ctx, []instance.Kind{numbered(), timed()}, nil)) }, "[Scan]", 4, 0},
		{"reserve numbers", func(ctx context.Context) error { return f.ReserveNumbers(ctx, numbered(), 9_999) }, "[UpdateItem]", 0, 1},
		{"next number of a new block", func(ctx context.Context) error { return failure(f.NextNumber(ctx, numbered())) }, "[UpdateItem TransactWriteItems UpdateItem]", 0, 4},
	} {
		f.wire.inject(nil)
		ctx, meter := capacity.WithMeter(t.Context())
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

// What a search of many collections sends and consumes: a query for each of them
// where it lists or looks for names, otherwise one of an index, wherever its hits
// are, and a batch for all that is found.
func TestCallsOfManyCollections(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	kind := instance.Kind{Name: "named"}
	const wide, deep = 16, 10
	var all []string
	for c := range wide {
		collection := fmt.Sprintf("%02d", c)
		all = append(all, collection)
		for n := range deep {
			i := f.fresh(1)
			i.Kind, i.Collection, i.ID, i.Code = kind, collection, fmt.Sprintf("%s-%d", collection, n), ""
			// One in each collection.
			if n == 7 {
				i.Group, i.SubGroup, i.Status = "few", "few", "few"
			}
			// And one in all.
			if c == 12 && n == 8 {
				i.SubGroup, i.Status = "one", "one"
			}
			must(t, f.other.Create(t.Context(), i, f.change("create"), nil))
		}
	}
	reversed := slices.Clone(all)
	slices.Reverse(reversed)
	for _, test := range []struct {
		q              instance.Query
		found          int
		queries, reads int
		units          float64
	}{
		{instance.Query{Collections: all}, 160, 16, 0, 16},
		{instance.Query{Collections: all, Limit: 20}, 20, 2, 0, 2},
		{instance.Query{Collections: all, Name: "name"}, 160, 16, 2, 168},
		// As many at the same time as it takes if the others are like those before.
		{instance.Query{Collections: all, Name: "name", Limit: 40}, 40, 5, 1, 42.5},
		{instance.Query{Collections: all, Name: "name", Limit: 10}, 10, 1, 1, 10.5},
		{instance.Query{Collections: all, Status: "created"}, 143, 1, 2, 144.5},
		{instance.Query{Collections: all, Status: "created", Limit: 20}, 20, 1, 1, 20.5},
		{instance.Query{Collections: all, Status: "few"}, 16, 1, 1, 16.5},
		{instance.Query{Collections: all, Status: "one"}, 1, 1, 1, 1.5},
		{instance.Query{Collections: all, SubGroup: "few"}, 16, 1, 1, 16.5},
		{instance.Query{Collections: all, SubGroup: "one"}, 1, 1, 1, 1.5},
		{instance.Query{Collections: all, SubGroup: "few", Status: "few"}, 16, 1, 1, 16.5},
		{instance.Query{Collections: all, SubGroup: "few", Status: "one"}, 0, 1, 0, 0.5},
		{instance.Query{Collections: all, SubGroup: "few", Status: "few", Name: "1"}, 16, 1, 1, 16.5},
		{instance.Query{Collections: all, SubGroup: "few", Name: "none"}, 0, 1, 0, 0.5},
		{instance.Query{Collections: all, Group: "few"}, 16, 1, 1, 16.5},
		{instance.Query{Collections: reversed, Group: "few"}, 16, 16, 1, 24},
		{instance.Query{Collections: []string{"02", "12"}, Status: "few"}, 2, 1, 1, 2.5},
		{instance.Query{Collections: []string{"02"}, Status: "few"}, 1, 1, 1, 1.5},
		{instance.Query{Collections: all, Status: "few", After: instance.Position{Collection: "03", SortKey: "03-7"}, Limit: 1}, 1, 1, 1, 1.5},
		{instance.Query{Group: "few"}, 16, 1, 1, 16.5},
		{instance.Query{Group: "few", Status: "few"}, 16, 1, 1, 16.5},
		// The engine counts no unit for a query that reads nothing.
		{instance.Query{Collections: all, Status: "none"}, 0, 1, 0, 0},
		{instance.Query{Group: "none"}, 0, 1, 0, 0},
		// Entries are read, more with each page, and of the instances only those that
		// match.
		{instance.Query{Group: "group", Status: "one"}, 1, 1, 1, 2.5},
		{instance.Query{Group: "group", Status: "one", Limit: 1}, 1, 2, 1, 3},
		{instance.Query{Collections: all, Group: "group", SubGroup: "one", Status: "one", Limit: 1}, 1, 2, 1, 3},
	} {
		test.q.Kind = kind
		f.wire.inject(nil)
		ctx, meter := capacity.WithMeter(t.Context())
		found := 0
		for _, err := range f.Search(ctx, test.q) {
			must(t, err)
			found++
		}
		queries, reads := 0, 0
		for _, operation := range f.wire.sent() {
			switch operation {
			case "Query":
				queries++
			case "BatchGetItem":
				reads++
			default:
				t.Errorf("%+v sends %s", test.q, operation)
			}
		}
		if units := meter.Total().ReadUnits; found != test.found || queries != test.queries || reads != test.reads || units != test.units {
			t.Errorf("%+v finds %d with %d queries, %d batches, %v units; want %d with %d, %d, %v",
				test.q, found, queries, reads, units, test.found, test.queries, test.reads, test.units)
		}
	}
}
