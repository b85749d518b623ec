package dynamo_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/instance"
	"instances/pkg/repository/capacity"
	"instances/pkg/repository/dynamo"
)

// clocked replaces the repository by one with a clock that is a time ahead,
// and that the returned function sets.
func (f *fixture) clocked() (ahead func(time.Duration)) {
	var by time.Duration
	f.Repository = dynamo.New(dynamo.Config{
		Client: f.table.Client(f.wire.transport), Table: f.table.Name,
		Now: func() time.Time { return time.Now().Add(by) },
	})
	return func(d time.Duration) { by = d }
}

// entering counts the transactions that only enter a collection.
func (f *fixture) entering(t *testing.T, run func() error) int {
	t.Helper()
	n := 0
	f.wire.inject(func(c call) (*http.Response, error) {
		if c.Operation == "TransactWriteItems" && !isWork(c) {
			n++
		}
		return c.pass()
	})
	defer f.wire.inject(nil)
	if err := run(); err != nil {
		t.Fatal(err)
	}
	return n
}

// What a process knows of the directory it forgets after ten minutes: nobody
// creates on the strength of an entry that may be gone.
func TestDirectoryIsForgotten(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ahead := f.clocked()
	next := int64(0)
	for _, step := range []struct {
		at   time.Duration
		want int
	}{
		{0, 1},
		{0, 0},
		{10*time.Minute - time.Second, 0},
		{10*time.Minute + time.Second, 1},
		{19 * time.Minute, 0},
		{21 * time.Minute, 1},
		// A clock that was set back tells nothing.
		{time.Minute, 1},
	} {
		ahead(step.at)
		next++
		got := f.entering(t, func() error { return f.Create(t.Context(), f.fresh(next), f.change("create"), nil) })
		if got != step.want {
			t.Errorf("at %v: entered %d times, want %d", step.at, got, step.want)
		}
	}
	// What it took out itself it forgets at once.
	i := f.fresh(5 * instance.BlockSize)
	if err := f.Create(t.Context(), i, f.change("create"), nil); err != nil {
		t.Fatal(err)
	}
	if err := f.Delete(t.Context(), i.Key(), f.change("delete"), nil); err != nil {
		t.Fatal(err)
	}
	if err := f.ForgetCollection(t.Context(), only(t, f.UnusedCollections(t.Context(), numbered(), time.Now().Add(time.Hour)))); err != nil {
		t.Fatal(err)
	}
	got := f.entering(t, func() error {
		_, err := f.Restore(t.Context(), i.Key(), f.change("restore"))
		return err
	})
	if got != 1 {
		t.Errorf("restored what was forgotten: entered %d times", got)
	}
}

// However many collections there are, a call looks at few, and all are found
// in the end: those around wide gaps, and those between them.
func TestUnusedCollectionsAreBounded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var blocks []map[string]types.AttributeValue
	for n := range int64(20) {
		for _, block := range []int64{10, 1_000_000, 900_000_000_000_000} {
			blocks = append(blocks, attributes(map[string]string{
				"pk": "collections#numbered", "sk": instance.Block((block + n) * instance.BlockSize),
			}))
		}
	}
	f.fill(t, blocks)
	later := time.Now().Add(time.Hour)
	found := map[string]bool{}
	calls := 0
	for ; len(found) < len(blocks) && calls < 500; calls++ {
		ctx, meter := capacity.WithMeter(t.Context())
		seen := map[string]bool{}
		for u, err := range f.UnusedCollections(ctx, numbered(), later) {
			if err != nil {
				t.Fatal(err)
			}
			if seen[u.Collection] {
				t.Errorf("%s twice", u.Collection)
			}
			seen[u.Collection], found[u.Collection] = true, true
		}
		// The counter, the first and the last entries, four cuts, the entries,
		// and a query for each.
		if used := meter.Total(); len(seen) != 16 || used.Calls > 8+16 || used.ReadUnits > 8+16 {
			t.Fatalf("%d of %d with %+v", len(seen), len(blocks), used)
		}
	}
	t.Logf("%d calls find all %d", calls, len(blocks))
	if len(found) != len(blocks) {
		t.Errorf("%d calls find %d of %d", calls, len(found), len(blocks))
	}
}

// An instance that comes between the look at a collection and its removal from
// the directory is not hidden: whoever creates it has entered it again.
func TestForgetCollectionThenCreate(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ahead := f.clocked()
	ahead(-48 * time.Hour)
	i := f.fresh(5 * instance.BlockSize)
	if err := f.Create(t.Context(), i, f.change("create"), nil); err != nil {
		t.Fatal(err)
	}
	if err := f.Delete(t.Context(), i.Key(), f.change("delete"), nil); err != nil {
		t.Fatal(err)
	}
	ahead(0)
	u := only(t, f.UnusedCollections(t.Context(), numbered(), time.Now().Add(-24*time.Hour)))
	queries := 0
	f.wire.inject(func(c call) (*http.Response, error) {
		response, err := c.pass()
		if c.Operation == "Query" {
			queries++
			if err := f.other.Create(t.Context(), f.fresh(5*instance.BlockSize+1), f.change("create"), nil); err != nil {
				t.Error(err)
			}
		}
		return response, err
	})
	if err := f.ForgetCollection(t.Context(), u); !errors.Is(err, instance.ErrConflict) || queries != 1 {
		t.Errorf("error is %v, want %v; %d queries", err, instance.ErrConflict, queries)
	}
	f.wire.inject(nil)
	if got := ids(t, f.Search(t.Context(), instance.Query{Kind: numbered()})); got != "[50001]" {
		t.Errorf("list is %s", got)
	}
}

// A number may be on its way to a block that only the counter has kept in the
// directory, when the numbers go on far beyond it. The block is not forgotten
// for that.
func TestFormerBlockIsKept(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ahead := f.clocked()
	ahead(-48 * time.Hour)
	if _, err := f.NextNumber(t.Context(), numbered()); err != nil {
		t.Fatal(err)
	}
	ahead(0)
	number, err := f.NextNumber(t.Context(), numbered())
	if err != nil {
		t.Fatal(err)
	}
	yesterday := time.Now().Add(-24 * time.Hour)
	unused := func() {
		t.Helper()
		for u, err := range f.other.UnusedCollections(t.Context(), numbered(), yesterday) {
			if err != nil {
				t.Fatal(err)
			}
			if err := f.other.ForgetCollection(t.Context(), u); err != nil {
				t.Error(err)
			}
		}
	}
	unused()
	if err := f.other.ReserveNumbers(t.Context(), numbered(), 7*instance.BlockSize); err != nil {
		t.Fatal(err)
	}
	unused()
	if _, err := f.other.NextNumber(t.Context(), numbered()); err != nil {
		t.Fatal(err)
	}
	unused()
	if err := f.Create(t.Context(), f.fresh(number), f.change("create"), nil); err != nil {
		t.Fatal(err)
	}
	if got := ids(t, f.Search(t.Context(), instance.Query{Kind: numbered()})); got != "[2]" {
		t.Errorf("list is %s", got)
	}
}
