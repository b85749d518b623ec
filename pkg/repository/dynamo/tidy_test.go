package dynamo_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/instance"
	"instances/pkg/repository/capacity"
	"instances/pkg/repository/dynamo"
)

// kinds are those of the tests.
func kinds() []instance.Kind { return []instance.Kind{numbered(), timed()} }

// tidy removes at most limit of what is unused, or nothing for 0. Something has
// to be.
func (f *fixture) tidy(ctx context.Context, limit int) error {
	n, err := f.Tidy(ctx, kinds(), time.Now().Add(48*time.Hour), limit)
	if err == nil && n == 0 {
		err = errors.New("nothing is unused")
	}
	return err
}

// clocked replaces the repository by one whose clock stands at a time from now,
// which the returned function sets.
func (f *fixture) clocked() (ahead func(time.Duration)) {
	start, by := time.Now(), time.Duration(0)
	f.Repository = dynamo.New(dynamo.Config{
		Client: f.table.Client(f.wire.transport), Table: f.table.Name,
		Now: func() time.Time { return start.Add(by) },
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
	must(t, run())
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
	must(t, f.Create(t.Context(), i, f.change("create"), nil))
	must(t, f.Delete(t.Context(), i.Key(), f.change("delete"), nil, nil))
	must(t, f.tidy(t.Context(), 1))
	got := f.entering(t, func() error {
		_, err := f.Restore(t.Context(), i.Key(), f.change("restore"))
		return err
	})
	if got != 1 {
		t.Errorf("restored what was forgotten: entered %d times", got)
	}
}

// Every collection is looked at: whatever fails, and wherever a call stops, the
// next ones come to the end.
func TestTidyLooksAtAll(t *testing.T) {
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
	ctx, meter := capacity.WithMeter(t.Context())
	if n, err := f.Tidy(ctx, kinds(), time.Now(), 0); err != nil || n != len(blocks) {
		t.Errorf("%d are unused, %v, want %d", n, err, len(blocks))
	}
	// The counter, the directory, and a query for each.
	if used := meter.Total(); used.Calls != 2+len(blocks) {
		t.Errorf("used %+v", used)
	}

	// The first ones cannot be removed, but do not keep the others.
	spoilt := 0
	f.wire.inject(func(c call) (*http.Response, error) {
		if c.Operation == "TransactWriteItems" && spoilt < 3 {
			spoilt++
			return c.refuse(http.StatusBadRequest, "ValidationException")
		}
		return c.pass()
	})
	n, err := f.Tidy(t.Context(), kinds(), time.Now(), 7)
	if err == nil || n != 7 || spoilt != 3 {
		t.Errorf("removed %d, %v, after %d failures", n, err, spoilt)
	}
	f.wire.inject(nil)
	total := n
	for n = 7; n == 7; total += n {
		if n, err = f.Tidy(t.Context(), kinds(), time.Now(), 7); err != nil {
			t.Fatal(err)
		}
	}
	if total != len(blocks) {
		t.Errorf("removed %d of %d", total, len(blocks))
	}
	// When all fail it gives up.
	f.fill(t, blocks)
	spoilt = -1000
	f.wire.inject(func(c call) (*http.Response, error) {
		if c.Operation == "TransactWriteItems" {
			spoilt++
			return c.refuse(http.StatusBadRequest, "ValidationException")
		}
		return c.pass()
	})
	if n, err := f.Tidy(t.Context(), kinds(), time.Now(), 100); err == nil || n != 0 || spoilt != -990 {
		t.Errorf("removed %d, %v, after %d failures", n, err, spoilt+1000)
	}
}

// An instance that comes between the look at a collection and its removal from
// the directory is not hidden: whoever creates it has entered it again.
func TestTidyThenCreate(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ahead := f.clocked()
	ahead(-48 * time.Hour)
	i := f.fresh(5 * instance.BlockSize)
	must(t, f.Create(t.Context(), i, f.change("create"), nil))
	must(t, f.Delete(t.Context(), i.Key(), f.change("delete"), nil, nil))
	ahead(0)
	created := false
	f.wire.inject(func(c call) (*http.Response, error) {
		if c.Operation == "TransactWriteItems" && !created {
			created = true
			if err := f.other.Create(t.Context(), f.fresh(5*instance.BlockSize+1), f.change("create"), nil); err != nil {
				t.Error(err)
			}
		}
		return c.pass()
	})
	if n, err := f.Tidy(t.Context(), kinds(), time.Now(), 10); err != nil || n != 0 || !created {
		t.Errorf("removed %d, %v; created %t", n, err, created)
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
	must(t, failure(f.NextNumber(t.Context(), numbered())))
	ahead(0)
	number, err := f.NextNumber(t.Context(), numbered())
	must(t, err)
	tidy := func() {
		t.Helper()
		if _, err := f.other.Tidy(t.Context(), kinds(), time.Now(), 10); err != nil {
			t.Error(err)
		}
	}
	tidy()
	must(t, f.other.ReserveNumbers(t.Context(), numbered(), 7*instance.BlockSize))
	tidy()
	must(t, failure(f.other.NextNumber(t.Context(), numbered())))
	tidy()
	must(t, f.Create(t.Context(), f.fresh(number), f.change("create"), nil))
	if got := ids(t, f.Search(t.Context(), instance.Query{Kind: numbered()})); got != fmt.Sprintf("[%d]", number) {
		t.Errorf("list is %s", got)
	}
}
