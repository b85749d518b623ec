package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

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
	// lineTimeout is how long the line that a function logs may be on its way.
	lineTimeout = 10 * time.Second
	// longAgo is how long before now the instances were deleted that the cleanup removes.
	longAgo = 10 * 365 * 24 * time.Hour
)

// measurement is one use of the program.
type measurement struct {
	root string
	// table is an empty table, of the template.
	table dynamolocal.Table
	// instances is how many instances of each kind there are, and rounds how
	// often each operation is measured. There are more instances than rounds
	// and warmUp.
	instances, rounds int
	// only are the functions to measure, or empty for all.
	only []string
	log  io.Writer

	template  *template.Template
	meter     *meter
	functions *rehearsal.Functions
	api       http.Handler
	logged    *lines
	accessLog int
	registry  registry

	// invoked is the time that the functions took since the last look.
	mu      sync.Mutex
	invoked time.Duration
}

// result is what was measured.
type result struct {
	rows   []row
	stored stored
	// instances are those of each kind, and alarmMetrics the metrics that the
	// alarms of the template watch.
	instances, alarmMetrics int
}

func (m *measurement) run(ctx context.Context) (result, error) {
	file := filepath.Join(m.root, "template.yaml")
	var err error
	if m.template, err = template.Load(file, template.With("Table", m.table.Name)); err != nil {
		return result{}, err
	}
	definition, ok := m.template.Table("Table")
	if !ok {
		return result{}, errors.New("the template has no table called Table")
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return result{}, fmt.Errorf("read template: %w", err)
	}
	if m.accessLog, err = accessLineBytes(string(content)); err != nil {
		return result{}, err
	}
	m.say("Building the functions.")
	folder, err := rehearsal.Build(ctx, m.root)
	if err != nil {
		return result{}, err
	}
	if m.meter, err = newMeter(ctx, m.table, definition); err != nil {
		return result{}, err
	}
	defer m.meter.close()
	environment := m.table.Environment()
	environment["AWS_ENDPOINT_URL_DYNAMODB"] = m.meter.url
	environment["AWS_LAMBDA_LOG_LEVEL"] = "INFO"
	m.logged = &lines{arrived: make(chan int, 1000)}
	m.functions, err = rehearsal.New(ctx, rehearsal.Options{Template: m.template, Folder: folder, Environment: environment, Output: m.logged})
	if err != nil {
		return result{}, err
	}
	defer m.functions.Close()
	if m.api, err = gateway.New(m.template, m, gateway.Options{}); err != nil {
		return result{}, err
	}
	secret, err := auth.Mint(ctx, m.repository(), auth.NewKey{Name: keyName, Allow: []string{auth.AllowAll}}, time.Now())
	if err != nil {
		return result{}, err
	}
	m.registry = registry{secret: secret, instances: m.instances}
	m.say(fmt.Sprintf("Making %d instances of each kind.", m.instances))
	err = m.registry.fill(func(_ string, r *http.Request) ([]byte, error) {
		answer, err := m.send(ctx, r)
		if err != nil {
			return nil, err
		}
		return answer.Body.Bytes(), nil
	})
	if err != nil {
		return result{}, err
	}
	// Nothing else in a template is called that.
	out := result{instances: m.instances, alarmMetrics: strings.Count(string(content), "MetricName:")}
	if out.stored, err = m.meter.stored(ctx, m.table); err != nil {
		return result{}, err
	}
	m.say("Measuring.")
	out.rows, err = m.rows(ctx)
	return out, err
}

// repository returns the table without the meter.
func (m *measurement) repository() *dynamo.Repository {
	return dynamo.New(dynamo.Config{Client: m.table.Client(nil), Table: m.table.Name, Now: time.Now})
}

// Invoke runs a function for the gateway, and takes the time.
func (m *measurement) Invoke(ctx context.Context, function string, event []byte) ([]byte, error) {
	started := time.Now()
	out, err := m.functions.Invoke(ctx, function, event)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.invoked += time.Since(started)
	return out, err
}

// rows measures all operations, in the order of the template.
func (m *measurement) rows(ctx context.Context) ([]row, error) {
	operations := m.registry.operations()
	var rows []row
	var cold *row
	for _, f := range m.template.Functions {
		if len(f.Routes) == 0 || len(m.only) > 0 && !slices.Contains(m.only, f.Name) {
			continue
		}
		if len(operations[f.Name]) == 0 {
			return nil, fmt.Errorf("nothing says how to measure %s", f.Name)
		}
		for _, o := range operations[f.Name] {
			first, r, err := m.operation(ctx, f, o)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", f.Name, err)
			}
			if cold == nil && f.Name == "topology-get" {
				// The same, with the key, and without it.
				cold = &row{
					group: others, name: "reading the key", memoryMB: f.MemoryMB,
					calls: first.calls - r.calls, units: units{read: first.units.read - r.units.read}, waits: first.waits - r.waits,
				}
			}
			rows = append(rows, r)
		}
	}
	if cold != nil {
		rows = append(rows, *cold)
	}
	f, ok := m.template.Function("cleanup")
	if !ok || len(m.only) > 0 && !slices.Contains(m.only, f.Name) {
		return rows, nil
	}
	more, err := m.cleanup(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("cleanup: %w", err)
	}
	return append(rows, more...), nil
}

// others are the operations that no API has.
const others = "beside the calls"

// operation measures one, and returns the first call, before which the process
// may not have known the key, and the mean of those that count.
func (m *measurement) operation(ctx context.Context, f template.Function, o operation) (first, mean row, err error) {
	api, _, _ := strings.Cut(f.Name, "-")
	mean = row{group: api, name: o.name, viaAPI: true, invokes: true, memoryMB: f.MemoryMB}
	var own []float64
	for n := range warmUp + m.rounds {
		if o.before != nil {
			if _, err := m.send(ctx, o.before(n)); err != nil {
				return first, mean, fmt.Errorf("%s, ahead of it: %w", o.name, err)
			}
			if _, err := m.logged.wait(ctx); err != nil {
				return first, mean, err
			}
		}
		m.logged.forget()
		if _, _, err := m.taken(); err != nil {
			return first, mean, err
		}
		answer, err := m.send(ctx, o.request(n))
		if err != nil {
			return first, mean, fmt.Errorf("%s: %w", o.name, err)
		}
		used, took, err := m.taken()
		if err != nil {
			return first, mean, err
		}
		logged, err := m.logged.wait(ctx)
		if err != nil {
			return first, mean, err
		}
		one := row{calls: float64(used.calls), units: used.units, waits: used.waits}
		if n == 0 {
			first = one
		}
		if n < warmUp {
			continue
		}
		own = append(own, milliseconds(took-used.busy))
		mean.calls += one.calls
		mean.units = mean.units.plus(one.units)
		mean.waits += one.waits
		mean.logged += float64(logged)
		mean.sent += float64(answerBytes(answer))
	}
	mean.divide(float64(m.rounds))
	mean.logged += float64(systemBytes() + m.accessLog)
	mean.own = median(own)
	return first, mean, nil
}

// divide makes means of sums.
func (r *row) divide(n float64) {
	r.calls /= n
	r.units.read /= n
	r.units.write /= n
	r.waits /= n
	r.logged /= n
	r.sent /= n
}

// cleanup measures a run that finds nothing, and what each instance adds that
// was deleted long ago.
func (m *measurement) cleanup(ctx context.Context, f template.Function) ([]row, error) {
	clean := func(due int) (row, error) {
		m.logged.forget()
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
		if err := json.Unmarshal(out, &report); err != nil {
			return row{}, fmt.Errorf("decode the report: %w", err)
		}
		if !report.Complete || report.DeletedPurged[topology.Kind().Name] != due {
			return row{}, fmt.Errorf("it says %s, not that it removed %d", out, due)
		}
		used, took, err := m.taken()
		if err != nil {
			return row{}, err
		}
		logged, err := m.logged.wait(ctx)
		return row{
			group: others, memoryMB: f.MemoryMB, calls: float64(used.calls), units: used.units, waits: used.waits,
			own: milliseconds(took - used.busy), logged: float64(logged),
		}, err
	}
	// The first is a cold start.
	if _, err := clean(0); err != nil {
		return nil, err
	}
	empty, err := clean(0)
	if err != nil {
		return nil, err
	}
	store := m.repository()
	for n := range m.rounds {
		id := m.registry.topologyIDs[n]
		number, err := strconv.ParseInt(id, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("id of an instance: %w", err)
		}
		key := instance.Key{Kind: topology.Kind(), Collection: instance.Block(number), ID: id}
		change := instance.Change{By: keyName, Owner: keyName, At: time.Now().Add(-longAgo), Operation: "delete"}
		if err := store.Delete(ctx, key, change, nil); err != nil {
			return nil, err
		}
	}
	full, err := clean(m.rounds)
	if err != nil {
		return nil, err
	}
	each := row{
		group: others, name: "cleanup, an instance", memoryMB: f.MemoryMB,
		calls: full.calls - empty.calls, waits: full.waits - empty.waits, own: max(0, full.own-empty.own),
		units: units{full.units.read - empty.units.read, full.units.write - empty.units.write}, logged: full.logged - empty.logged,
	}
	own := each.own / float64(m.rounds)
	each.divide(float64(m.rounds))
	each.own = own
	empty.name, empty.invokes = "cleanup, nothing to remove", true
	empty.logged += float64(systemBytes())
	return []row{empty, each}, nil
}

// taken returns what was used, and how long the functions took, since the last
// time.
func (m *measurement) taken() (usage, time.Duration, error) {
	used, err := m.meter.take()
	m.mu.Lock()
	defer m.mu.Unlock()
	took := m.invoked
	m.invoked = 0
	return used, took, err
}

// send sends a request to the API. Any answer but a success is an error.
func (m *measurement) send(ctx context.Context, r *http.Request) (*httptest.ResponseRecorder, error) {
	answer := httptest.NewRecorder()
	m.api.ServeHTTP(answer, r.WithContext(ctx))
	if answer.Code < 200 || answer.Code > 299 {
		_, err := m.meter.take()
		return nil, errors.Join(fmt.Errorf("%s %s is answered %d %s", r.Method, r.URL.Path, answer.Code, answer.Body), err)
	}
	return answer, nil
}

func (m *measurement) say(text string) { _, _ = fmt.Fprintln(m.log, text) }

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// median returns the middle of the values, or the mean of the two in the
// middle.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
