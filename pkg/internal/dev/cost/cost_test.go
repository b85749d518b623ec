package main

import (
	"bytes"
	"errors"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"instances/pkg/app/apptest"
	"instances/pkg/internal/dev"
	"instances/pkg/repository/dynamo/dynamotest"
	"instances/pkg/template"
)

func TestMain(m *testing.M) { os.Exit(dynamotest.Main(m)) }

const root = "../../../.."

func load(t *testing.T, options ...template.Option) *template.Template {
	t.Helper()
	loaded, err := template.Load(filepath.Join(root, "template.yaml"), options...)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// A function that gets routes and uses the table has to be measured, at least with
// one method.
func TestOperations(t *testing.T) {
	t.Parallel()
	measured := map[string][]string{}
	names := map[string]bool{}
	for _, o := range operations() {
		method, _, _ := strings.Cut(o.call, " ")
		measured[o.function] = append(measured[o.function], method)
		if base(o.api()) == "" {
			t.Errorf("%s is of an API that is not known", o.function)
		}
		if name := o.api() + " " + o.name(); names[name] {
			t.Errorf("%s is there twice", name)
		} else {
			names[name] = true
		}
	}
	for _, f := range load(t).Functions {
		for _, r := range f.Routes {
			// A HEAD costs what a GET costs, or less.
			if f.UsesTable() && r.Method != http.MethodHead && !slices.Contains(measured[f.Name], r.Method) {
				t.Errorf("nothing says how to measure %s of %s", r.Method, f.Name)
			}
		}
	}
}

// What the story of some functions costs, with what each part of it costs
// according to the package dynamo.
func TestMeasure(t *testing.T) {
	t.Parallel()
	table := dynamotest.NewTable(t)
	m := measurement{
		template: load(t, template.With("Table", table.Name)), functions: apptest.Functions(t),
		table: table, instances: 12, rounds: 2,
		only: []string{
			"topology-get", "topology-create", "topology-update", "topology-delete", "compute-get-jobs", "compute-stop",
			"compute-token-auth", "execution-create",
		},
	}
	got, err := m.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]row{}
	for _, r := range got.rows {
		rows[r.group+" "+r.name] = r
		if r.memoryMB == 0 || r.viaAPI && (r.own <= 0 || r.sent < headerBytes) {
			t.Errorf("%+v", r)
		}
	}
	for _, want := range []struct {
		name               string
		calls, read, write float64
		waits              float64
	}{
		{"topology GET /{id}", 1, 1, 0, 4},
		// The number, then instance, guard and history in a transaction, and
		// entries for code, group, subgroup and name.
		{"topology POST", 2, 0, 1 + 2*3 + 4, 16},
		// And what is replayed, which has more than a KB.
		{"topology POST with Idempotency-Key", 2, 0, 1 + 2*(3+2) + 4, 16},
		{"topology PUT /{id}", 2, 1, 2 * 2, 16},
		// And what is replayed, which has less.
		{"topology PUT /{id} with Idempotency-Key", 2, 1, 2 * (2 + 1), 16},
		// Instance, trash, guard and history, and four index entries.
		{"topology DELETE /{last}", 2, 1, 2*4 + 4, 16},
		{"compute GET /instances/{id}/get-jobs/", 2, 1, 1, 8},
		{"compute GET /instances/{id}/get-jobs/ again", 1, 1, 0, 4},
		{"compute PATCH /instances/{id}/stop/", 2, 1, 2*2 + 1, 16},
		{"compute POST /api-token-auth/", 0, 0, 0, 0},
		// Entries for group, subgroup, status and name.
		{"execution PUT /create", 1, 0, 2*2 + 4, 12},
		{others + " reading the key", 1, 1, 0, 4},
		{others + " cleanup, an instance", 1, 0, 2 * 2, 12},
		// Two units for each letter; a rename has as many to remove.
		{nameRows + " create, name of 10 letters", 0, 0, 20, 0},
		{nameRows + " rename, name of 20 letters", 0, 0, 80, 0},
		{nameRows + " delete, name of 45 letters", 0, 0, 90, 0},
		{nameRows + " change of anything else, name of 45 letters", 0, 0, 0, 0},
		// A long name has one row.
		{nameRows + " create, name of 100 letters", 0, 0, 2, 0},
		{nameRows + " rename, name of 100 letters", 0, 0, 2, 0},
	} {
		r, ok := rows[want.name]
		if !ok || r.calls != want.calls || r.read != want.read || r.write != want.write || r.waits != want.waits {
			t.Errorf("%s: %+v, want %+v", want.name, r, want)
		}
	}
	if r := rows[others+" cleanup, nothing to remove"]; r.calls < 1 || r.read < r.calls/2 || r.write != 0 {
		t.Errorf("a cleanup without work: %+v", r)
	}
	if len(rows) != 14+16 {
		t.Errorf("%d rows", len(rows))
	}
	if s := got.stored; s.instance < 300 || s.instance > 1024 || s.total <= s.table || s.table <= 2*s.instance {
		t.Errorf("stored: %+v", s)
	}
	if own := got.logged - systemBytes - 3*eventBytes - float64(len(m.template.API.AccessLog)); own < 200 || own > 1000 || len(m.template.API.AccessLog) < 200 {
		t.Errorf("a call logs %q, and %.0f bytes of the function", m.template.API.AccessLog, own)
	}
}

// What the engine reports counts, except where AWS rounds otherwise.
func TestUnits(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", 1020)
	for _, test := range []struct {
		action, request, answer string
		read, write             float64
	}{
		{"GetItem", `{"ConsistentRead": true}`, `{"ConsumedCapacity": {"CapacityUnits": 2}}`, 2, 0},
		{"GetItem", `{}`, `{"ConsumedCapacity": {"CapacityUnits": 0}}`, 0.5, 0},
		{"Query", `{"ConsistentRead": true}`, `{"ConsumedCapacity": {"CapacityUnits": 0}}`, 1, 0},
		{"Query", `{}`, `{"ConsumedCapacity": {"CapacityUnits": 7.5}}`, 7.5, 0},
		{
			"BatchGetItem", `{"RequestItems": {"t": {"Keys": [{}, {}, {}], "ConsistentRead": true}}}`,
			`{"ConsumedCapacity": [{"CapacityUnits": 2}]}`, 3, 0,
		},
		{"UpdateItem", `{}`, `{"ConsumedCapacity": {"CapacityUnits": 3}}`, 0, 3},
		{
			"TransactWriteItems", `{"TransactItems": [{"Put": {"Item": {"a": {"S": "b"}}}}, {"Delete": {}}]}`,
			`{"ConsumedCapacity": [{"CapacityUnits": 8, "GlobalSecondaryIndexes": {"A": {"CapacityUnits": 2}, "B": {"CapacityUnits": 4}}}]}`, 0, 2 + 2 + 1 + 2,
		},
		{"TransactWriteItems", `{"TransactItems": [{"Put": {"Item": {"fill": {"S": "` + large + `"}}}}]}`, `{"ConsumedCapacity": [{}]}`, 0, 2},
		{"TransactWriteItems", `{"TransactItems": [{"Put": {"Item": {"fill2": {"S": "` + large + `"}}}}]}`, `{"ConsumedCapacity": [{}]}`, 0, 4},
	} {
		read, write, err := units(test.action, []byte(test.request), []byte(test.answer))
		if err != nil || read != test.read || write != test.write {
			t.Errorf("%s %.100s: %v, %v, %v; want %v, %v", test.action, test.request, read, write, err, test.read, test.write)
		}
	}
	for action, answer := range map[string]string{"Scan": `{"ConsumedCapacity": {}}`, "GetItem": `{}`, "PutItem": "x"} {
		if _, _, err := units(action, []byte("{}"), []byte(answer)); err == nil || !strings.Contains(err.Error(), action) {
			t.Errorf("%s, answered %s: %v", action, answer, err)
		}
	}
}

// Calls that run together wait together.
func TestMeterWaits(t *testing.T) {
	t.Parallel()
	m := &meter{}
	m.enter()
	m.enter()
	m.leave("GetItem", 1, 0, nil)
	if _, err := m.take(); err == nil {
		t.Error("a call under way is not reported")
	}
	m.leave("TransactWriteItems", 0, 2, nil)
	m.enter()
	m.leave("Query", 3, 0, nil)
	used, err := m.take()
	if err != nil || used.waits != transactionWait+readWait || used.calls != 2 || used.read != 3 || used.write != 2 {
		t.Errorf("%+v, %v", used, err)
	}
}

// typical is a row in which everything costs something.
func typical() row {
	return row{
		group: "topology", name: "POST", viaAPI: true, invokes: true, memoryMB: 256, own: 1, sent: 1000,
		usage: usage{calls: 2, read: 2, write: 10, waits: 16},
	}
}

func TestCost(t *testing.T) {
	t.Parallel()
	// 1 ms with 256 of 1,769 MB is 6.9.
	if got := typical().billed(); got != 23 {
		t.Errorf("billed: %v ms", got)
	}
	// With more memory nothing is faster than here.
	if got := (row{own: 1.5, memoryMB: 4096}).billed(); got != 2 {
		t.Errorf("billed with much memory: %v ms", got)
	}
	got := typical().cost(5)
	for name, pair := range map[string][2]float64{
		"DynamoDB": {got.dynamoDB, 2*0.125 + 10*0.625}, "out": {got.out, 0.09},
		"Lambda": {got.lambda, 0.20 + 1e6*0.023*0.25*0.0000133334}, "total": {got.total, 5 + 6.50 + 0.20 + 0.0766670500 + 0.09},
	} {
		if math.Abs(pair[0]-pair[1]) > 1e-9 {
			t.Errorf("%s: %v, want %v", name, pair[0], pair[1])
		}
	}
	// What no client asks for.
	part := typical()
	part.viaAPI, part.invokes, part.sent = false, false, 0
	if got := part.cost(5); math.Abs(got.total-6.50-0.07666705) > 1e-9 {
		t.Errorf("besides the calls: %+v", got)
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	second := typical()
	second.group, second.name, second.read = others, "another", 0.5
	var out bytes.Buffer
	r := result{rows: []row{typical(), second}, stored: stored{600, 2000, 1000}, instances: 10, memoryMB: 256, logged: 2000}
	if err := writeTable(&out, r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"10 instances of each kind, of 600 bytes",
		"with 256 MB",
		"the request 3.50, the logs 1.00,",
		"\ntopology /flexdeploy/rest/v1/topology/instance\n    2     2    10    23    0.28      6.50   0.09  12.09  POST\n",
		"\nbesides the calls\n    2   0.5    10    23  ",
		"   0.50  a million instances with history, guards and indexes, 2.0 GB\n",
		"   0.20  their point-in-time recovery\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
	for line := range strings.Lines(out.String()) {
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > 100 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--instances", "99"}, {"--instances", "100001"}, {"--other"}, {"more"}} {
		var stderr bytes.Buffer
		if err := run(t.Context(), root, args, io.Discard, &stderr); !errors.Is(err, dev.ErrUsage) || stderr.Len() == 0 {
			t.Errorf("%v: %v, %q", args, err, &stderr)
		}
	}
}
