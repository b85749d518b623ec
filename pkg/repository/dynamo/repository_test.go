package dynamo_test

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/app"
	"instances/pkg/internal/dev"
	"instances/pkg/repository/dynamo"
	"instances/pkg/repository/dynamo/dynamotest"
	"instances/pkg/repository/repositorytest"
)

func TestMain(m *testing.M) { os.Exit(dynamotest.Main(m)) }

func TestRepository(t *testing.T) {
	t.Parallel()
	histories := int64(25)
	if dev.CI() {
		histories = 100
	}
	repositorytest.Run(t, opener(t, func(t *testing.T, table dynamotest.Table) {
		setNames(t, table, "complete")
		t.Cleanup(func() { checkNames(t, table, "numbered", "named", "model*") })
	}), histories)
}

// Whatever the layout of the table, searches find the same.
func TestSearches(t *testing.T) {
	t.Parallel()
	const kinds = "searched*"
	queries := 120
	if dev.CI() {
		queries = 240
	}
	for name, prepare := range map[string]func(*testing.T, dynamotest.Table){
		"walk": func(*testing.T, dynamotest.Table) {},
		"rows": func(t *testing.T, table dynamotest.Table) {
			setNames(t, table, "complete")
			t.Cleanup(func() { checkNames(t, table, kinds) })
		},
		"rows that come": func(t *testing.T, table dynamotest.Table) {
			(&fixture{table: table}).fill(t, []map[string]types.AttributeValue{formerLayout("filling", "3")})
			t.Cleanup(func() { checkNames(t, table, kinds) })
		},
		"old layout": func(t *testing.T, table dynamotest.Table) {
			setLayout(t, table, map[string]int{"version": 1, "target": 3})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repositorytest.Searches(t, opener(t, prepare), queries)
		})
	}
}

// opener returns what opens a repository whose calls are checked, on a table that
// prepare has prepared. It uses name rows if the table has them.
func opener(t *testing.T, prepare func(*testing.T, dynamotest.Table)) repositorytest.Opener {
	t.Helper()
	tmpl := dynamotest.Template(t)
	return func(t *testing.T, o repositorytest.Options) app.OperatorRepository {
		w := new(wire)
		w.inject(func(c call) (*http.Response, error) {
			checkCall(t, c)
			return c.pass()
		})
		table := dynamotest.NewTableOf(t, tmpl)
		prepare(t, table)
		return dynamo.New(dynamo.Config{
			Client: table.Client(w.transport), Table: table.Name, Now: o.Now, HistoryRetention: o.HistoryRetention, IndexedNames: true,
		})
	}
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
