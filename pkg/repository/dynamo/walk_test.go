package dynamo_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"instances/pkg/instance"
)

// A walk of many collections takes the time of a few: eight are read at the same
// time if all answers are wanted, and at most twice as many as before if it is not
// known how many hold the answers that are.
func TestWalkTime(t *testing.T) {
	t.Parallel()
	const page = time.Second
	var collections []string
	for n := range 24 {
		collections = append(collections, fmt.Sprintf("%02d", n))
	}
	for _, test := range []struct {
		limit int
		// pages are those of each collection, and full the collections with an
		// answer in each page.
		pages int
		full  string
		found int
		reads int64
		takes time.Duration
	}{
		// The batch that reads the answers takes as long as a page.
		{0, 1, "", 0, 24, 3 * page},
		{0, 1, "00 09 23", 3, 24, 4 * page},
		{0, 5, "", 0, 120, 15 * page},
		{0, 5, "00 01 09 23", 20, 120, 16 * page},
		{1, 1, "00", 1, 1, 2 * page},
		{1, 5, "00", 1, 1, 2 * page},
		{1, 1, "", 0, 24, 5 * page},
		{1, 5, "", 0, 120, 25 * page},
		{2, 1, "00 01 02", 2, 3, 3 * page},
		{1, 1, "23", 1, 24, 6 * page},
	} {
		synctest.Test(t, func(t *testing.T) {
			var reads, now, most atomic.Int64
			left := sync.Map{} // Pages of a collection.
			f, _ := still(func(c call) (*http.Response, error) {
				most.Store(max(most.Load(), now.Add(1)))
				defer now.Add(-1)
				time.Sleep(page)
				if c.Operation == "BatchGetItem" {
					asked := c.Body["RequestItems"].(map[string]any)["table"].(map[string]any)["Keys"].([]any)
					for _, key := range asked {
						key.(map[string]any)["name"] = map[string]string{"S": "a name"}
					}
					return c.answer(http.StatusOK, map[string]any{"Responses": map[string]any{"table": asked}})
				}
				reads.Add(1)
				_, rest, _ := strings.Cut(fmt.Sprint(c.Body["ExpressionAttributeValues"]), "named#")
				collection := rest[:2]
				pages, _ := left.LoadOrStore(collection, test.pages)
				left.Store(collection, pages.(int)-1)
				key := map[string]any{
					"pk": map[string]string{"S": "instance#named#" + collection}, "sk": map[string]string{"S": fmt.Sprint("id ", pages)},
				}
				answer := map[string]any{"Items": []any{}}
				if strings.Contains(test.full, collection) {
					answer["Items"] = []any{key}
				}
				if pages.(int) > 1 {
					answer["LastEvaluatedKey"] = key
				}
				return c.answer(http.StatusOK, answer)
			})
			begin := time.Now()
			found := 0
			q := instance.Query{Kind: instance.Kind{Name: "named"}, Collections: collections, Name: "name", Limit: test.limit}
			for _, err := range f.Search(t.Context(), q) {
				must(t, err)
				found++
			}
			if took := time.Since(begin); found != test.found || reads.Load() != test.reads || took != test.takes || most.Load() > 8 {
				t.Errorf("limit %d, %d pages, answers in %q: finds %d with %d pages, %d at once, in %v; want %d with %d in %v",
					test.limit, test.pages, test.full, found, reads.Load(), most.Load(), took, test.found, test.reads, test.takes)
			}
		})
	}
}
