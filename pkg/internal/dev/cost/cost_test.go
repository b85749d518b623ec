package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/internal/dev"
	"instances/pkg/repository/dynamo/dynamolocal"
	"instances/pkg/repository/dynamo/dynamotest"
	"instances/pkg/template"
)

func TestMain(m *testing.M) { os.Exit(dynamotest.Main(m)) }

const root = "../../../.."

func load(t *testing.T) *template.Template {
	t.Helper()
	loaded, err := template.Load(filepath.Join(root, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// A function that gets routes has to be measured.
func TestOperations(t *testing.T) {
	t.Parallel()
	operations := (&registry{}).operations()
	var routed []string
	names := map[string]bool{}
	for _, f := range load(t).Functions {
		if len(f.Routes) == 0 {
			continue
		}
		routed = append(routed, f.Name)
		if len(operations[f.Name]) == 0 {
			t.Errorf("nothing says how to measure %s", f.Name)
		}
		api, _, _ := strings.Cut(f.Name, "-")
		if groups()[api] == "" {
			t.Errorf("%s is of an API that is not known", f.Name)
		}
		for _, o := range operations[f.Name] {
			if name := api + " " + o.name; names[name] {
				t.Errorf("%s is there twice", name)
			} else {
				names[name] = true
			}
			if !strings.HasPrefix(o.name, f.Routes[0].Method) {
				t.Errorf("%s is called %q, and has the method %s", f.Name, o.name, f.Routes[0].Method)
			}
		}
	}
	for name := range operations {
		if !slices.Contains(routed, name) {
			t.Errorf("there is no function %s with routes", name)
		}
	}
}

// What the story of some functions costs, with what each part of it costs
// according to the package dynamo.
func TestMeasure(t *testing.T) {
	t.Parallel()
	table := dynamotest.NewTable(t)
	m := measurement{
		root: root, table: table, instances: 12, rounds: 2, log: io.Discard,
		only: []string{
			"topology-get", "topology-create", "topology-update", "topology-delete", "compute-get-jobs", "compute-stop",
			"compute-token-auth", "execution-create", "cleanup",
		},
	}
	got, err := m.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]row{}
	for _, r := range got.rows {
		rows[r.group+" "+r.name] = r
		if r.memoryMB == 0 || r.viaAPI && (r.own <= 0 || r.logged < float64(m.accessLog+systemBytes()+100) || r.sent <= headerBytes) {
			t.Errorf("%+v", r)
		}
	}
	for _, want := range []struct {
		name        string
		calls       float64
		read, write float64
		waits       float64
	}{
		{"topology GET /{Id}", 1, 1, 0, 4},
		// The number, then instance, guard and history in a transaction, and
		// three index entries.
		{"topology POST", 2, 0, 1 + 2*3 + 3, 16},
		{"topology POST with Idempotency-Key", 2, 0, 1 + 2*5 + 3, 16},
		{"topology PUT /{Id}", 2, 1, 2 * 2, 16},
		// Instance, trash, guard and history, and three index entries.
		{"topology DELETE /{Id}", 2, 1, 2*4 + 3, 16},
		{"compute GET …/get-jobs/, heartbeat", 2, 1, 1, 8},
		{"compute GET …/get-jobs/, in between", 1, 1, 0, 4},
		{"compute PATCH …/stop/", 2, 1, 2*2 + 1, 16},
		{"compute POST /api-token-auth/", 0, 0, 0, 0},
		{"execution PUT /create", 1, 0, 2*2 + 2, 12},
		{others + " reading the key", 1, 1, 0, 4},
		{others + " cleanup, an instance", 1, 0, 2 * 2, 12},
	} {
		r, ok := rows[want.name]
		if !ok || r.calls != want.calls || r.units != (units{want.read, want.write}) || r.waits != want.waits {
			t.Errorf("%s: %+v, want %+v", want.name, r, want)
		}
	}
	if r := rows[others+" cleanup, nothing to remove"]; r.calls < 1 || r.units.read < r.calls/2 || r.units.write != 0 {
		t.Errorf("a cleanup without work: %+v", r)
	}
	if len(rows) != 13 {
		t.Errorf("%d rows", len(rows))
	}
	if s := got.stored; s.instanceBytes < 300 || s.instanceBytes > 1024 || s.totalBytes <= s.tableBytes || s.tableBytes <= 2*s.instanceBytes {
		t.Errorf("stored: %+v", s)
	}
	if got.alarmMetrics == 0 {
		t.Error("no alarm watches anything")
	}
}

// newTestMeter is a meter on a table of its own, and a client through it.
func newTestMeter(t *testing.T) (*meter, *dynamodb.Client, dynamotest.Table) {
	t.Helper()
	table := dynamotest.NewTable(t)
	definition, _ := load(t).Table("Table")
	m, err := newMeter(t.Context(), table, definition)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.close)
	return m, dynamolocal.Table{Endpoint: m.url, Name: table.Name}.Client(nil), table
}

func s(text string) types.AttributeValue { return &types.AttributeValueMemberS{Value: text} }

// The meter counts, and where the engine does as AWS does, it says the same.
func TestMeter(t *testing.T) {
	t.Parallel()
	m, client, table := newTestMeter(t)
	put := func(sk, fill string, more map[string]types.AttributeValue) float64 {
		t.Helper()
		in := map[string]types.AttributeValue{"pk": s("p"), "sk": s(sk), "fill": s(fill)}
		for name, v := range more {
			in[name] = v
		}
		out, err := client.PutItem(t.Context(), &dynamodb.PutItemInput{
			TableName: &table.Name, Item: in, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		})
		if err != nil {
			t.Fatal(err)
		}
		return *out.ConsumedCapacity.CapacityUnits
	}
	code := func(text string) map[string]types.AttributeValue {
		return map[string]types.AttributeValue{"cpk": s(text), "csk": s("c")}
	}
	for name, x := range map[string]struct {
		fill string
		more map[string]types.AttributeValue
		want float64
	}{
		"small":      {"", nil, 1},
		"large":      {strings.Repeat("x", 2000), nil, 2},
		"with index": {"", code("a"), 2},
	} {
		engine := put(name, x.fill, x.more)
		used, err := m.take()
		if err != nil || used.calls != 1 || used.units != (units{write: x.want}) || used.waits != readWait || used.busy <= 0 {
			t.Errorf("%s: %+v, %v, want %v", name, used, err, x.want)
		}
		if engine != x.want {
			t.Errorf("%s: the engine says %v, want %v", name, engine, x.want)
		}
	}
	// A transaction, of which the engine rounds the sum.
	var parts []types.TransactWriteItem
	for _, sk := range []string{"t1", "t2"} {
		parts = append(parts, types.TransactWriteItem{Put: &types.Put{TableName: &table.Name, Item: map[string]types.AttributeValue{"pk": s("p"), "sk": s(sk)}}})
	}
	if _, err := client.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: parts}); err != nil {
		t.Fatal(err)
	}
	if used, err := m.take(); err != nil || used.units != (units{write: 4}) || used.waits != transactionWait {
		t.Errorf("a transaction: %+v, %v", used, err)
	}
	// What is there is answered as it is.
	got, err := client.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &table.Name, Key: map[string]types.AttributeValue{"pk": s("p"), "sk": s("large")}})
	if err != nil || len(got.Item) != 3 {
		t.Errorf("a read: %v, %v", got, err)
	}
	if used, err := m.take(); err != nil || used.units != (units{read: 0.5}) {
		t.Errorf("a read: %+v, %v", used, err)
	}
	query := &dynamodb.QueryInput{
		TableName: &table.Name, KeyConditionExpression: aws.String("pk = :p"), ExpressionAttributeValues: map[string]types.AttributeValue{":p": s("p")},
		ConsistentRead: aws.Bool(true), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	}
	if _, err := client.Query(t.Context(), query); err != nil {
		t.Fatal(err)
	}
	if used, err := m.take(); err != nil || used.units != (units{read: 1}) {
		t.Errorf("a query: %+v, %v", used, err)
	}
	// What is not understood fails, and is told.
	if _, err := client.Scan(t.Context(), &dynamodb.ScanInput{TableName: &table.Name}, func(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }); err == nil {
		t.Error("a scan is not refused")
	}
	if _, err := m.take(); err == nil || !strings.Contains(err.Error(), "Scan") {
		t.Errorf("a scan: %v", err)
	}
	if used, err := m.take(); err != nil || used != (usage{}) {
		t.Errorf("after it: %+v, %v", used, err)
	}
}

// Calls that run together wait together.
func TestMeterWaits(t *testing.T) {
	t.Parallel()
	m := &meter{}
	m.enter()
	m.enter()
	m.leave("GetItem", units{read: 1}, nil)
	if _, err := m.take(); err == nil {
		t.Error("a call under way is not told")
	}
	m.leave("TransactWriteItems", units{write: 2}, nil)
	m.enter()
	m.leave("Query", units{read: 3}, nil)
	used, err := m.take()
	if err != nil || used.waits != transactionWait+readWait || used.calls != 2 {
		t.Errorf("%+v, %v", used, err)
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	l := &lines{arrived: make(chan int, 3)}
	ctx, cancel := context.WithCancel(t.Context())
	for _, part := range []string{"abc", "d\nef\n", "rest"} {
		if n, err := l.Write([]byte(part)); err != nil || n != len(part) {
			t.Errorf("%d, %v", n, err)
		}
	}
	if got, err := l.wait(ctx); err != nil || got != 4+2+2*eventBytes {
		t.Errorf("%d, %v", got, err)
	}
	if _, err := l.Write([]byte("\n1\n2\n3\n4\n")); err != nil {
		t.Error(err)
	}
	l.forget()
	cancel()
	if got, err := l.wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("nothing arrives: %d, %v", got, err)
	}
}

func TestAccessLine(t *testing.T) {
	t.Parallel()
	const start = "      AccessLogSetting:\n        Format: >-\n          "
	for text, want := range map[string]int{
		start + `{"a":"$context.httpMethod"}` + "\n":                                                     len(`{"a":"DELETE"}`),
		start + `{"a":"$context.status",` + "\n          " + `"b":"$context.integration.status"}` + "\n": len(`{"a":"200", "b":"200"}`),
	} {
		if got, err := accessLineBytes(text); err != nil || got != want+eventBytes {
			t.Errorf("%s: %d, %v, want %d", text, got, err, want+eventBytes)
		}
	}
	for _, text := range []string{"", start + `{"a":"$context.other"}` + "\n"} {
		if got, err := accessLineBytes(text); err == nil {
			t.Errorf("%q: %d, want an error", text, got)
		}
	}
	content, err := os.ReadFile(filepath.Join(root, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := accessLineBytes(string(content)); err != nil || got < 300 || got > 1000 {
		t.Errorf("of the template: %d, %v", got, err)
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	second := typical()
	second.group, second.name, second.units.read = others, "another", 0.5
	var out bytes.Buffer
	r := result{rows: []row{typical(), second}, stored: stored{600, 2000, 1000}, instances: 10, alarmMetrics: 16}
	if err := writeTable(&out, listPrices(), r); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"10 instances of each kind, of 600 bytes",
		"with 256 MB",
		"topology /flexdeploy/rest/v1/topology/instance\nPOST                            2     2    10   23  3.50   0.28     6.50  1.00  0.82  12.09\n",
		"\nbeside the calls\nanother                         2   0.5    10   23  ",
		"indexes, 2.0 GB    0.50\n",
		"recovery                                    0.20\n",
		"16 metrics that alarms watch                                    1.60\n",
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
	if err := writeTable(broken{}, listPrices(), r); err == nil {
		t.Error("a failure to print is not told")
	}
}

// broken cannot be written to.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, http.ErrHandlerTimeout }

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--instances", "99"}, {"--instances", "100001"}, {"--other"}, {"more"}} {
		var stderr bytes.Buffer
		if err := run(t.Context(), root, args, io.Discard, &stderr); !errors.Is(err, dev.ErrUsage) || stderr.Len() == 0 {
			t.Errorf("%v: %v, %q", args, err, &stderr)
		}
	}
}
