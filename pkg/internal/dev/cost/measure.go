package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/auth"
	"instances/pkg/gateway"
	"instances/pkg/instance"
	"instances/pkg/rehearsal"
	"instances/pkg/repository/dynamo"
	"instances/pkg/repository/dynamo/dynamolocal"
	"instances/pkg/template"
	"instances/pkg/topology"
)

const (
	// warmUp is how many calls of each operation are not counted.
	warmUp = 2
	// kb is what DynamoDB rounds writes up to.
	kb = 1024
	// longAgo is how long before now those instances were deleted that the
	// cleanup removes.
	longAgo = 10 * 365 * 24 * time.Hour
)

// measurement is one use of the program.
type measurement struct {
	template *template.Template
	// functions is the folder of the binaries, and table an empty table.
	functions string
	table     dynamolocal.Table
	// instances is how many instances of each kind there are, and rounds how
	// often each operation is measured: fewer times than there are instances.
	instances, rounds int
	// only are the functions to measure, or empty for all.
	only []string

	meter    meter
	running  *rehearsal.Functions
	gateway  http.Handler
	registry registry
	// invoked is the time that the functions took since the last look.
	invoked atomic.Int64
	// invocations are all that there were, and logged the lines and bytes that
	// they logged.
	invocations, loggedLines, loggedBytes atomic.Int64
}

// result is what was measured.
type result struct {
	rows []row
	// logged are the bytes of logs that a call of the API makes.
	logged float64
	stored stored
	// instances are those of each kind, and memoryMB the memory of a function.
	instances, memoryMB int
}

func (m *measurement) run(ctx context.Context) (result, error) {
	engine, err := url.Parse(m.table.Endpoint)
	if err != nil {
		return result{}, err
	}
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(engine) }, Transport: &m.meter})
	defer proxy.Close()
	environment := m.table.Environment()
	environment["AWS_ENDPOINT_URL_DYNAMODB"] = proxy.URL
	environment["AWS_LAMBDA_LOG_LEVEL"] = "INFO"
	m.running, err = rehearsal.New(ctx, rehearsal.Options{Template: m.template, Folder: m.functions, Environment: environment, Output: m})
	if err != nil {
		return result{}, err
	}
	defer m.running.Close()
	if m.gateway, err = gateway.New(m.template, m, gateway.Options{}); err != nil {
		return result{}, err
	}
	secret, err := auth.Mint(ctx, m.repository(), auth.NewKey{Name: keyName, Allow: []string{auth.AllowAll}}, time.Now())
	if err != nil {
		return result{}, err
	}
	m.registry = registry{secret: secret, ids: map[string][]string{}}
	send := func(r *http.Request) (*httptest.ResponseRecorder, error) { return m.send(ctx, r) }
	if err := m.registry.fill(m.instances, send); err != nil {
		return result{}, err
	}
	out := result{instances: m.instances, memoryMB: m.template.Functions[0].MemoryMB}
	if out.stored, err = m.stored(ctx); err != nil {
		return result{}, err
	}
	if out.rows, err = m.rows(ctx); err != nil {
		return result{}, err
	}
	m.running.Close()
	lines := float64(m.loggedLines.Load())*eventBytes + float64(m.loggedBytes.Load())
	out.logged = float64(len(m.template.API.AccessLog)+systemBytes+3*eventBytes) + lines/float64(m.invocations.Load())
	return out, nil
}

// repository returns the table without the meter.
func (m *measurement) repository() *dynamo.Repository {
	return dynamo.New(dynamo.Config{Client: m.table.Client(nil), Table: m.table.Name, Now: time.Now})
}

// Invoke runs a function for the gateway, and takes the time.
func (m *measurement) Invoke(ctx context.Context, function string, event []byte) ([]byte, error) {
	started := time.Now()
	out, err := m.running.Invoke(ctx, function, event)
	m.invoked.Add(int64(time.Since(started)))
	m.invocations.Add(1)
	return out, err
}

// Stream is like Invoke, and takes the time until the answer is closed.
func (m *measurement) Stream(ctx context.Context, function string, event []byte) (io.ReadCloser, error) {
	started := time.Now()
	out, err := m.running.Stream(ctx, function, event)
	if err != nil {
		return nil, err
	}
	return &stream{out, func() {
		m.invoked.Add(int64(time.Since(started)))
		m.invocations.Add(1)
	}}, nil
}

// stream is a streamed answer.
type stream struct {
	io.ReadCloser
	closed func()
}

// Close ends the invocation.
func (s *stream) Close() error {
	defer s.closed()
	return s.ReadCloser.Close()
}

// Write counts what functions log.
func (m *measurement) Write(b []byte) (int, error) {
	m.loggedLines.Add(int64(bytes.Count(b, []byte("\n"))))
	m.loggedBytes.Add(int64(len(b)))
	return len(b), nil
}

// rows measures all operations.
func (m *measurement) rows(ctx context.Context) ([]row, error) {
	var rows, besides []row
	for _, o := range operations() {
		if len(m.only) > 0 && !slices.Contains(m.only, o.function) {
			continue
		}
		first, r, err := m.operation(ctx, o)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.name(), err)
		}
		rows = append(rows, r)
		if o.function == "topology-get" {
			// The process of the first call did not know the key.
			besides = []row{{group: others, name: "reading the key", memoryMB: r.memoryMB, usage: first.minus(r.usage)}}
		}
	}
	more, err := m.cleanup(ctx)
	if err != nil {
		return nil, err
	}
	names, err := m.names(ctx)
	return slices.Concat(rows, besides, more, names), err
}

// others are the operations that no API has.
const others = "besides the calls"

// operation measures one, and returns what the first call used and the mean of
// those that count.
func (m *measurement) operation(ctx context.Context, o operation) (first usage, mean row, err error) {
	f, ok := m.template.Function(o.function)
	if !ok {
		return first, mean, fmt.Errorf("there is no function %s", o.function)
	}
	mean = row{group: o.api(), name: o.name(), viaAPI: true, invokes: true, memoryMB: f.MemoryMB}
	var own []float64
	for n := range warmUp + m.rounds {
		if o.before != "" {
			if _, err := m.send(ctx, m.registry.request(o, o.before, n)); err != nil {
				return first, mean, err
			}
		}
		if _, _, err := m.taken(); err != nil {
			return first, mean, err
		}
		answer, err := m.send(ctx, m.registry.request(o, o.call, n))
		if err != nil {
			return first, mean, err
		}
		used, worked, err := m.taken()
		if err != nil {
			return first, mean, err
		}
		if n == 0 {
			first = used
		}
		if n < warmUp {
			continue
		}
		own = append(own, worked)
		mean.sent += float64(headerBytes + answer.Body.Len())
		mean.usage = mean.minus(usage{}.minus(used))
	}
	mean.divide(float64(m.rounds))
	slices.Sort(own)
	mean.own = own[len(own)/2]
	return first, mean, nil
}

// taken returns what was used since the last time, and how long the functions
// worked, without their waits.
func (m *measurement) taken() (usage, float64, error) {
	used, err := m.meter.take()
	return used, milliseconds(time.Duration(m.invoked.Swap(0))) - used.busy, err
}

// send sends a request to the API. Any answer but a success is an error.
func (m *measurement) send(ctx context.Context, r *http.Request) (*httptest.ResponseRecorder, error) {
	answer := httptest.NewRecorder()
	m.gateway.ServeHTTP(answer, r.WithContext(ctx))
	if answer.Code < 200 || answer.Code > 299 {
		_, err := m.meter.take()
		return nil, errors.Join(fmt.Errorf("%s %s is answered %d %s", r.Method, r.URL.Path, answer.Code, answer.Body), err)
	}
	return answer, nil
}

// cleanup measures a run that finds nothing, and what each instance adds that
// was deleted long ago.
func (m *measurement) cleanup(ctx context.Context) ([]row, error) {
	f, ok := m.template.Function("cleanup")
	if !ok {
		return nil, errors.New("there is no function cleanup")
	}
	clean := func(due int) (row, error) {
		if _, _, err := m.taken(); err != nil {
			return row{}, err
		}
		out, err := m.Invoke(ctx, f.Name, []byte(`{"dryRun": false}`))
		if err != nil {
			return row{}, err
		}
		var report struct {
			DeletedPurged map[string]int
			Complete      bool
		}
		if err := json.Unmarshal(out, &report); err != nil || !report.Complete || report.DeletedPurged[topology.Kind().Name] != due {
			return row{}, fmt.Errorf("the cleanup says %s, not that it removed %d: %w", out, due, err)
		}
		used, worked, err := m.taken()
		return row{group: others, memoryMB: f.MemoryMB, usage: used, own: worked}, err
	}
	change := instance.Change{By: keyName, Owner: keyName, At: time.Now().Add(-longAgo), Operation: "delete"}
	remove := func(ids []string) error {
		for _, id := range ids {
			// There are fewer instances than fit into the first block.
			key := instance.Key{Kind: topology.Kind(), Collection: instance.Block(1), ID: id}
			if err := m.repository().Delete(ctx, key, change, nil, nil); err != nil {
				return err
			}
		}
		return nil
	}
	ids := m.registry.ids["topology"]
	// The first is a cold start, and reads the layout.
	if err := remove(ids[m.rounds : m.rounds+1]); err != nil {
		return nil, err
	}
	if _, err := clean(1); err != nil {
		return nil, err
	}
	empty, err := clean(0)
	if err != nil {
		return nil, err
	}
	if err := remove(ids[:m.rounds]); err != nil {
		return nil, err
	}
	each, err := clean(m.rounds)
	if err != nil {
		return nil, err
	}
	each.usage, each.own = each.minus(empty.usage), max(0, each.own-empty.own)/float64(m.rounds)
	each.divide(float64(m.rounds))
	empty.name, each.name, empty.invokes = "cleanup, nothing to remove", "cleanup, an instance", true
	return []row{empty, each}, nil
}

// stored is what the instances take in the table.
type stored struct {
	// instance is the mean size of the items of the instances themselves.
	instance float64
	// total is what an instance takes with all that belongs to it: its history,
	// its guard, and its entries in indexes. Those are not part of table, which
	// is what can be recovered.
	total, table float64
}

// stored reads the whole table. An item of more than one KB is an error, since
// [units] counts on less.
func (m *measurement) stored(ctx context.Context) (stored, error) {
	var s stored
	instances := 0
	read := func(index *string, each func(types.AttributeValue, float64)) error {
		pages := dynamodb.NewScanPaginator(m.table.Client(nil), &dynamodb.ScanInput{TableName: &m.table.Name, IndexName: index})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return fmt.Errorf("read the table: %w", err)
			}
			for _, i := range page.Items {
				bytes := size(&types.AttributeValueMemberM{Value: i})
				if bytes > kb {
					return fmt.Errorf("an item has %.0f bytes, and what it costs is not understood", bytes)
				}
				s.total += bytes + itemBytes
				each(i["pk"], bytes)
			}
		}
		return nil
	}
	err := read(nil, func(key types.AttributeValue, bytes float64) {
		s.table += bytes + itemBytes
		if pk, ok := key.(*types.AttributeValueMemberS); ok && strings.HasPrefix(pk.Value, "instance#") {
			instances++
			s.instance += bytes
		}
	})
	if err != nil {
		return s, err
	}
	for _, index := range m.template.Tables[0].Indexes {
		if err := read(&index.Name, func(types.AttributeValue, float64) {}); err != nil {
			return s, err
		}
	}
	n := float64(instances)
	return stored{s.instance / n, s.total / n, s.table / n}, nil
}

// size returns the bytes that DynamoDB counts for a value; a map is an item. A
// number takes a byte, and one for two digits:
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func size(value types.AttributeValue) float64 {
	switch v := value.(type) {
	case *types.AttributeValueMemberS:
		return float64(len(v.Value))
	case *types.AttributeValueMemberB:
		return float64(len(v.Value))
	case *types.AttributeValueMemberN:
		return float64(1 + (len(v.Value)+1)/2)
	case *types.AttributeValueMemberM:
		total := 0.0
		for name, member := range v.Value {
			total += float64(len(name)) + size(member)
		}
		return total
	default:
		return 1
	}
}
