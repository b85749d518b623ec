package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"instances/pkg/template"
)

// small is a table with an index of each projection.
func small() template.Table {
	return template.Table{
		Key: template.Key{Partition: "pk", Sort: "sk"},
		Indexes: []template.Index{
			{Name: "Keys", Key: template.Key{Partition: "kp", Sort: "ks"}, Projection: "KEYS_ONLY"},
			{Name: "Some", Key: template.Key{Partition: "sp", Sort: "ss"}, Projection: "INCLUDE", NonKeyAttributes: []string{"shown"}},
			{Name: "All", Key: template.Key{Partition: "ap"}, Projection: "ALL"},
		},
	}
}

// sized is an item of exactly that many bytes, without index keys.
func sized(t *testing.T, bytes int) item {
	t.Helper()
	return with(t, bytes, "")
}

// with is an item of exactly that many bytes, with more members.
func with(t *testing.T, bytes int, members string) item {
	t.Helper()
	rest, err := decode(t, `{"pk":{"S":"p"},"sk":{"S":"s"},"fill":{"S":""}`+members+`}`).size()
	if err != nil || rest > bytes {
		t.Fatalf("an item has at least %d bytes, %v", rest, err)
	}
	return decode(t, fmt.Sprintf(`{"pk":{"S":"p"},"sk":{"S":"s"},"fill":{"S":"%s"}%s}`, strings.Repeat("x", bytes-rest), members))
}

const key = `{"pk":{"S":"p"},"sk":{"S":"s"}}`

func TestChargeReads(t *testing.T) {
	t.Parallel()
	get := `{"TableName":"t","Key":` + key + `,"ConsistentRead":%t}`
	batch := `{"RequestItems":{"t":{"Keys":[` + key + `,` + key + `],"ConsistentRead":%t}}}`
	for _, x := range []struct {
		name, action, request, answer string
		items                         []item
		want                          float64
	}{
		{"at 4 KB", "GetItem", fmt.Sprintf(get, true), `{}`, []item{sized(t, 4096)}, 1},
		{"over 4 KB", "GetItem", fmt.Sprintf(get, true), `{}`, []item{sized(t, 4097)}, 2},
		{"eventually", "GetItem", fmt.Sprintf(get, false), `{}`, []item{sized(t, 4097)}, 1},
		{"eventually, at 4 KB", "GetItem", fmt.Sprintf(get, false), `{}`, []item{sized(t, 4096)}, 0.5},
		{"nothing there", "GetItem", fmt.Sprintf(get, true), `{}`, []item{nil}, 1},
		{"each is rounded", "BatchGetItem", fmt.Sprintf(batch, true), `{}`, []item{sized(t, 100), sized(t, 4097)}, 3},
		{"each is rounded, eventually", "BatchGetItem", fmt.Sprintf(batch, false), `{}`, []item{sized(t, 100), nil}, 1},
		{"of a query, the sum", "Query", `{"ConsistentRead":true}`, `{"ConsumedCapacity":{"CapacityUnits":7.5}}`, nil, 7.5},
		{"of nothing", "Query", `{"ConsistentRead":true}`, `{"ConsumedCapacity":{"CapacityUnits":0}}`, nil, 1},
		{"of nothing, eventually", "Query", `{}`, `{"ConsumedCapacity":{"CapacityUnits":0}}`, nil, 0.5},
	} {
		c := call{action: x.action, request: []byte(x.request), answer: []byte(x.answer), status: http.StatusOK, before: x.items, after: x.items}
		if got, err := charge(small(), c); err != nil || got != (units{read: x.want}) {
			t.Errorf("%s: %v, %v, want %v", x.name, got, err, x.want)
		}
	}
}

func TestChargeWrites(t *testing.T) {
	t.Parallel()
	const transaction = "TransactWriteItems"
	keys := func(value string) string { return `,"kp":{"S":"` + value + `"},"ks":{"S":"s"}` }
	for _, x := range []struct {
		name, action  string
		before, after []item
		want          float64
	}{
		{"at 1 KB", "PutItem", []item{nil}, []item{sized(t, 1024)}, 1},
		{"over 1 KB", "PutItem", []item{nil}, []item{sized(t, 1025)}, 2},
		{"the larger one, before", "PutItem", []item{sized(t, 2049)}, []item{sized(t, 100)}, 3},
		{"the larger one, after", "UpdateItem", []item{sized(t, 100)}, []item{sized(t, 1025)}, 2},
		{"what goes", "DeleteItem", []item{sized(t, 1025)}, []item{nil}, 2},
		{"what was not there", "DeleteItem", []item{nil}, []item{nil}, 1},
		{"twice in a transaction", transaction, []item{nil}, []item{sized(t, 1024)}, 2},
		{"each of a transaction is rounded", transaction, []item{nil, nil, nil}, []item{sized(t, 100), sized(t, 100), sized(t, 1025)}, 8},
		{"removed in a transaction", transaction, []item{sized(t, 3000)}, []item{nil}, 6},

		{"a new entry", "PutItem", []item{nil}, []item{with(t, 900, keys("a"))}, 2},
		{"half a key is no entry", "PutItem", []item{nil}, []item{with(t, 900, `,"kp":{"S":"a"}`)}, 1},
		{"entries once in a transaction", transaction, []item{nil}, []item{with(t, 900, keys("a"))}, 3},
		{"of the size of the entry", "PutItem", []item{nil}, []item{with(t, 5000, keys("a"))}, 6},
		{"an entry goes", "DeleteItem", []item{with(t, 900, keys("a"))}, []item{nil}, 2},
		{"the key changes", "UpdateItem", []item{with(t, 900, keys("a"))}, []item{with(t, 900, keys("b"))}, 3},
		{"nothing of it changes", "UpdateItem", []item{with(t, 900, keys("a"))}, []item{with(t, 901, keys("a"))}, 1},
		{
			"what it shows changes", "UpdateItem",
			[]item{with(t, 900, `,"sp":{"S":"a"},"ss":{"S":"b"},"shown":{"S":"c"}`)},
			[]item{with(t, 900, `,"sp":{"S":"a"},"ss":{"S":"b"},"shown":{"S":"d"}`)},
			2,
		},
		{"all of it", "PutItem", []item{nil}, []item{with(t, 1025, `,"ap":{"S":"a"}`)}, 4},
		{"all of it, larger before", "PutItem", []item{with(t, 2049, `,"ap":{"S":"a"}`)}, []item{with(t, 100, `,"ap":{"S":"a"}`)}, 6},
		{"all of it, moved", "PutItem", []item{with(t, 2049, `,"ap":{"S":"a"}`)}, []item{with(t, 100, `,"ap":{"S":"b"}`)}, 7},
	} {
		c := call{action: x.action, request: []byte(`{}`), answer: []byte(`{}`), status: http.StatusOK, before: x.before, after: x.after}
		if got, err := charge(small(), c); err != nil || got != (units{write: x.want}) {
			t.Errorf("%s: %v, %v, want %v", x.name, got, err, x.want)
		}
	}
}

// A condition that does not hold is charged, a refusal is not.
func TestChargeFailures(t *testing.T) {
	t.Parallel()
	items := []item{sized(t, 1025)}
	for kind, want := range map[string]float64{
		"ConditionalCheckFailedException": 2, "TransactionCanceledException": 2, "ThrottlingException": 0, "ValidationException": 0,
	} {
		c := call{
			action: "PutItem", request: []byte(`{}`), status: http.StatusBadRequest, before: items, after: items,
			answer: []byte(`{"__type":"com.amazonaws.dynamodb.v20120810#` + kind + `"}`),
		}
		if got, err := charge(small(), c); err != nil || got.write != want {
			t.Errorf("%s: %v, %v, want %v", kind, got, err, want)
		}
	}
}

// What is not understood is an error, not free.
func TestChargeErrors(t *testing.T) {
	t.Parallel()
	odd := []item{{"a": value{}}}
	for name, c := range map[string]call{
		"action":   {action: "Scan", request: []byte(`{}`)},
		"request":  {action: "GetItem", request: []byte(`[]`)},
		"query":    {action: "Query", request: []byte(`{}`), answer: []byte(`{}`)},
		"answer":   {action: "Query", request: []byte(`{}`), answer: []byte(`x`)},
		"items":    {action: "PutItem", request: []byte(`{}`), before: []item{nil}},
		"a size":   {action: "GetItem", request: []byte(`{}`), before: odd},
		"a before": {action: "PutItem", request: []byte(`{}`), before: odd, after: odd},
		"an after": {action: "PutItem", request: []byte(`{}`), before: []item{nil}, after: odd},
	} {
		c.status = http.StatusOK
		if got, err := charge(small(), c); err == nil {
			t.Errorf("%s: %v, want an error", name, got)
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	other := `{"pk":{"S":"p"},"sk":{"S":"2"}}`
	for name, request := range map[string]string{
		"key":   `{"Key":` + key + `}`,
		"item":  `{"Item":{"pk":{"S":"p"},"sk":{"S":"s"},"more":{"N":"1"}}}`,
		"batch": `{"RequestItems":{"t":{"Keys":[` + key + `,` + other + `]}}}`,
		"transaction": `{"TransactItems":[{"Put":{"Item":{"pk":{"S":"p"},"sk":{"S":"s"},"more":{"N":"1"}}}},{"Delete":{"Key":` + other +
			`}},{"Update":{"Key":` + other + `}},{"ConditionCheck":{"Key":` + other + `}}]}`,
		"query": `{"IndexName":"Keys"}`,
	} {
		p, err := parse([]byte(request))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, k := range p.keys(small()) {
			if len(k) != 2 || string(k["pk"]["S"]) != `"p"` {
				t.Errorf("%s: the key is %v", name, k)
			}
			got = append(got, string(k["sk"]["S"]))
		}
		want := map[string]string{"key": `"s"`, "item": `"s"`, "batch": `"s" "2"`, "transaction": `"s" "2" "2" "2"`, "query": ""}[name]
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", name, got, want)
		}
	}
}
