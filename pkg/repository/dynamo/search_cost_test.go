package dynamo_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/instance"
	"instances/pkg/repository/capacity"
	"instances/pkg/repository/dynamo"
)

// wanted is how many instances a search in these tests finds.
const wanted = 50

// populate fills a table with so many instances, of which some, spread over all of
// them, have texts that the others do not have. Twice as many are a pair.
func (f *fixture) populate(t *testing.T, instances int) {
	t.Helper()
	var items []map[string]types.AttributeValue
	for n := range instances {
		i := f.fresh(int64(n) + 1)
		i.Code, i.Group, i.SubGroup = "", fmt.Sprint("group ", n%10), fmt.Sprint("sub ", n%7)
		if part := n % (instances / wanted); part < 2 {
			i.Group = "pair"
			if part == 0 {
				i.SubGroup, i.Status, i.Name = "wanted", "wanted", "one of those Wanted "+strconv.Itoa(n)
			}
		}
		item, err := dynamo.EncodeItem(i)
		must(t, err)
		items = append(items, item)
		if n%instance.BlockSize == 0 {
			items = append(items, attributes(map[string]string{"pk": "collections#numbered", "sk": i.Collection}))
		}
	}
	f.fill(t, items)
}

// What a search by a text as a whole costs depends on what it finds, and not on
// what is stored. A search by a part of a name costs half a unit for each 4 KB of
// short entries besides.
func TestSearchCost(t *testing.T) {
	t.Parallel()
	few, many := newFixture(t), newFixture(t)
	const size = 1500
	few.populate(t, 200)
	many.populate(t, size)
	block := []string{instance.Block(0)}
	for _, test := range []struct {
		q instance.Query
		// units are what the index costs, and each what it costs for an instance
		// that is stored.
		units, each float64
	}{
		// An entry has up to 170 bytes.
		{instance.Query{SubGroup: "WANTED"}, 1.5, 0},
		{instance.Query{Status: "wanted"}, 1.5, 0},
		{instance.Query{Status: "wanted", Collections: block}, 1.5, 0},
		{instance.Query{Status: "wanted", Name: "those w"}, 1.5, 0},
		{instance.Query{SubGroup: "wanted", Status: "wanted", Name: "WANTED"}, 1.5, 0},
		{instance.Query{Group: "pair", Status: "wanted"}, 2.5, 0},
		{instance.Query{Group: "pair", SubGroup: "wanted"}, 2.5, 0},
		{instance.Query{Group: "pair", SubGroup: "wanted", Status: "wanted", Name: "Those"}, 2.5, 0},
		{instance.Query{Name: "those want"}, 2, 0.015},
	} {
		consumed := func(f *fixture) capacity.Consumed {
			t.Helper()
			test.q.Kind = numbered()
			ctx, meter := capacity.WithMeter(t.Context())
			found := 0
			for i, err := range f.Search(ctx, test.q) {
				must(t, err)
				if i.Status != "wanted" {
					t.Errorf("%+v finds %+v", test.q, i)
				}
				found++
			}
			if found != wanted {
				t.Errorf("%+v finds %d, want %d", test.q, found, wanted)
			}
			return meter.Total()
		}
		a, b := consumed(few), consumed(many)
		t.Logf("%+v: %+v of 200, %+v of %d", test.q, a, b, size)
		calls, more := 2, 0
		if test.each > 0 {
			// The blocks are read first, and more than one page of entries.
			calls, more = 3, 1
		}
		if a.Calls != calls || b.Calls != calls+more {
			t.Errorf("%+v sends %d and %d calls, want %d and %d more", test.q, a.Calls, b.Calls, calls, more)
		}
		if test.each == 0 && a != b {
			t.Errorf("%+v costs %+v of 200, and %+v of %d", test.q, a, b, size)
		}
		if most := wanted + test.units + test.each*float64(size); b.ReadUnits > most {
			t.Errorf("%+v costs %v units, want at most %v", test.q, b.ReadUnits, most)
		}
	}
}

// A search that has to look far for few answers reads more and more at once, also
// where the index of an old table does not tell which hits match.
func TestSearchReadsMore(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var items []map[string]types.AttributeValue
	for n := range int64(700) {
		i := f.fresh(n + 1)
		if i.Code = ""; n == 699 {
			i.Status, i.Name = "last", "last"
		}
		item, err := dynamo.EncodeItem(i)
		must(t, err)
		items = append(items, item)
	}
	f.fill(t, append(items, attributes(map[string]string{"pk": "collections#numbered", "sk": instance.Block(0)})))
	search := func(q instance.Query, calls string) {
		t.Helper()
		q.Kind, q.Limit = numbered(), 1
		f.wire.inject(nil)
		if got := ids(t, f.Search(t.Context(), q)); got != "[700]" {
			t.Errorf("%+v finds %s", q, got)
		}
		if got := fmt.Sprint(f.wire.sent()); got != calls {
			t.Errorf("%+v sends %s, want %s", q, got, calls)
		}
	}
	// 100, 400 and then the rest.
	search(instance.Query{Group: "group", Status: "last"}, "[Query Query Query BatchGetItem]")
	search(instance.Query{Name: "last"}, "[Query Query Query Query BatchGetItem]")
	setLayout(t, f.table, nil)
	start := time.Now()
	f.Repository = dynamo.New(dynamo.Config{
		Client: f.table.Client(f.wire.transport), Table: f.table.Name, Now: func() time.Time { return start },
	})
	// Batches of 1, 4, 16, 64 and 100, as far as the first two pages go; then of 100 and the rest.
	batches := func(n int) string { return strings.Repeat(" BatchGetItem", n) }
	search(instance.Query{Group: "group", Status: "last"}, "[GetItem Query"+batches(4)+" Query"+batches(4)+" Query"+batches(3)+"]")
}
