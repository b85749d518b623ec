package dynamo_test

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/instance"
	"instances/pkg/repository/capacity"
	"instances/pkg/repository/dynamo"
)

const (
	// due is how many instances there are to purge, and as many are idle.
	due = 10
	// retention is how long a deleted instance is kept, and an idle one.
	retention = 30 * 24 * time.Hour
)

// sweep fills a table with so many deleted instances and so many others,
// all seen recently but for the same few of each. It then purges
// and deletes what is due, and returns what each consumed.
func sweep(t *testing.T, deleted, live int) (purges, deletes capacity.Consumed) {
	t.Helper()
	f := newFixture(t)
	now := f.change("").At
	age := func(n int) time.Time {
		if n < due {
			return now.Add(-retention - time.Duration(n+1)*time.Hour)
		}
		return now.Add(-retention + 24*time.Hour + time.Duration(n)*time.Second)
	}
	kind := instance.Kind{Name: "named"}
	var items []map[string]types.AttributeValue
	add := func(item map[string]types.AttributeValue, err error) {
		must(t, err)
		items = append(items, item)
	}
	for n := range max(deleted, live) {
		i := instance.Instance{
			Kind: kind, Collection: "c", ID: fmt.Sprintf("id-%06d", n), Active: true,
			Version: 3, Incarnation: fmt.Sprintf("incarnation-%06d", n), CreatedAt: age(n), UpdatedAt: age(n),
		}
		if n < deleted {
			add(dynamo.EncodeTrashItem(i, age(n)))
		}
		if n < live {
			i.IdleSince, i.LastSeenAt = age(n), age(n)
			add(dynamo.EncodeItem(i))
		}
	}
	f.fill(t, items)

	ctx, meter := capacity.WithMeter(t.Context())
	purged := []string{}
	for d, err := range f.Deleted(ctx, kind, now.Add(-retention)) {
		must(t, err)
		must(t, f.Purge(ctx, d, f.change("purge")))
		purged = append(purged, d.ID)
	}
	if len(purged) != due || !slices.IsSortedFunc(purged, func(a, b string) int { return cmp.Compare(b, a) }) {
		t.Errorf("purged %v, want %d, oldest first", purged, due)
	}
	purges = meter.Total()

	ctx, meter = capacity.WithMeter(t.Context())
	n := 0
	for i, err := range f.Idle(ctx, kind, now.Add(-retention)) {
		must(t, err)
		must(t, f.Delete(ctx, i.Key(), f.change("delete"), nil, nil))
		n++
	}
	if n != due {
		t.Errorf("deleted %d, want %d", n, due)
	}
	return purges, meter.Total()
}

// fill stores items as they are.
func (f *fixture) fill(t *testing.T, items []map[string]types.AttributeValue) {
	t.Helper()
	const batch, writers = 25, 4
	client := f.table.Client(nil)
	chunks := make(chan []map[string]types.AttributeValue)
	var running sync.WaitGroup
	for range writers {
		running.Go(func() {
			for chunk := range chunks {
				var puts []types.WriteRequest
				for _, item := range chunk {
					puts = append(puts, types.WriteRequest{PutRequest: &types.PutRequest{Item: item}})
				}
				out, err := client.BatchWriteItem(t.Context(), &dynamodb.BatchWriteItemInput{
					RequestItems: map[string][]types.WriteRequest{f.table.Name: puts},
				})
				if err != nil || len(out.UnprocessedItems) > 0 {
					t.Errorf("fill the table: %d left, %v", len(out.UnprocessedItems), err)
				}
			}
		})
	}
	for chunk := range slices.Chunk(items, batch) {
		chunks <- chunk
	}
	close(chunks)
	running.Wait()
}

// What a cleanup costs depends on what is due, and not on what is stored.
func TestCleanupCost(t *testing.T) {
	t.Parallel()
	const few, many = 100, 500
	fewPurges, fewDeletes := sweep(t, few, few)
	manyPurges, manyDeletes := sweep(t, many, many)
	t.Logf("purge %d of %d deleted: %+v; of %d deleted, beside %d others: %+v", due, few, fewPurges, many, many, manyPurges)
	t.Logf("delete %d idle of %d: %+v; of %d: %+v", due, few, fewDeletes, many, manyDeletes)
	if manyPurges != fewPurges || manyDeletes != fewDeletes {
		t.Error("what is not due costs something")
	}
	// A query of each shard, and one transaction for each that is due: an item
	// away and a record more.
	if manyPurges.Calls != 16+due || manyPurges.ReadUnits > due || manyPurges.WriteUnits != 2*due {
		t.Errorf("the purges consume %+v", manyPurges)
	}
}
