package dynamo_test

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"instances/pkg/app"
	"instances/pkg/repository/dynamo/dynamotest"
	"instances/pkg/repository/repositorytest"
)

func TestMain(m *testing.M) { os.Exit(dynamotest.Main(m)) }

func TestRepository(t *testing.T) {
	t.Parallel()
	repositorytest.Run(t, openChecked)
}

func TestSearches(t *testing.T) {
	t.Parallel()
	repositorytest.Searches(t, openChecked, 1_200)
}

// openChecked opens a repository whose calls are checked.
func openChecked(t *testing.T, o repositorytest.Options) app.OperatorRepository {
	w := new(wire)
	w.inject(func(c call) (*http.Response, error) {
		checkCall(t, c)
		return c.pass()
	})
	return dynamotest.New(t, dynamotest.Options{
		Now: o.Now, HistoryRetention: o.HistoryRetention, Transport: w.transport,
	})
}

// checkCall fails the test where a call is not as every one has to be.
func checkCall(t *testing.T, c call) {
	if c.Body["ReturnConsumedCapacity"] != "TOTAL" {
		t.Errorf("%s does not ask for what it consumes", c.Operation)
	}
	consistent := c.Body["ConsistentRead"] == true
	switch c.Operation {
	case "GetItem":
		if !consistent {
			t.Error("GetItem is not consistent")
		}
	case "Query":
		if consistent == (c.Body["IndexName"] != nil) {
			t.Errorf("query of index %v is consistent: %v", c.Body["IndexName"], consistent)
		}
	case "BatchGetItem":
		for name, part := range c.Body["RequestItems"].(map[string]any) {
			if part.(map[string]any)["ConsistentRead"] != true {
				t.Errorf("BatchGetItem of %s is not consistent", name)
			}
		}
	case "UpdateItem", "TransactWriteItems":
	case "Scan":
		if !strings.Contains(t.Name(), "/All/") {
			t.Error("Scan is sent, and not by All")
		}
		if !consistent {
			t.Error("Scan is not consistent")
		}
	default:
		t.Errorf("%s is never to be sent", c.Operation)
	}
}

func BenchmarkRepository(b *testing.B) {
	repositorytest.Benchmark(b, func(b *testing.B, o repositorytest.Options) app.OperatorRepository {
		return dynamotest.New(b, dynamotest.Options{Now: o.Now, HistoryRetention: o.HistoryRetention})
	})
}
