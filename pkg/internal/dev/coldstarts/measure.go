package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"instances/pkg/auth"
	"instances/pkg/rehearsal/runtimeapi"
	"instances/pkg/repository/dynamo"
	"instances/pkg/repository/dynamo/dynamolocal"
	"instances/pkg/template"
)

// measurement is one run of the program.
type measurement struct {
	root string
	// The rounds of warmUp come first and are not counted.
	warmUp, rounds int
	functions      []template.Function
	// table is an empty table.
	table dynamolocal.Table
	log   io.Writer
}

// subject is a function to start with one event.
type subject struct {
	name     string
	function runtimeapi.Function
	event    []byte
	// throttled limits it to the share of a processor that its memory buys.
	throttled bool

	times []time.Duration
	// inits are the parts of times before the request.
	inits []time.Duration
	calls int64
}

// row is a line of the result. The first three are the baselines.
type row struct {
	name string
	// refused is for a request with an unknown key, which reads one item, and
	// unthrottled for the same with the whole processor. Both are nil for a
	// function that asks for no key.
	refused, unthrottled *subject
	// answered is for the sample event with a key; nil for a baseline.
	answered *subject
}

func (m *measurement) run(ctx context.Context) ([]row, error) {
	scratch, err := os.MkdirTemp("", "coldstarts-")
	if err != nil {
		return nil, fmt.Errorf("create a folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	certificate, root, err := newChain(time.Now())
	if err != nil {
		return nil, err
	}
	m.say("Building the functions.")
	b, err := m.build(ctx, scratch, root)
	if err != nil {
		return nil, err
	}
	repository := dynamo.New(dynamo.Config{Client: m.table.Client(nil), Table: m.table.Name, Now: time.Now})
	secret, err := auth.Mint(ctx, repository, auth.NewKey{Name: "local", Allow: []string{auth.AllowAll}}, time.Now())
	if err != nil {
		return nil, err
	}
	f, err := newFront(m.table.Endpoint, certificate)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	environment := m.table.Environment()
	environment["AWS_ENDPOINT_URL_DYNAMODB"] = f.URL
	environment["AWS_LAMBDA_LOG_LEVEL"] = "ERROR"
	rows, err := m.rows(b, environment, secret)
	if err != nil {
		return nil, err
	}
	return rows, m.measure(ctx, rows, f)
}

// rows returns what is measured.
func (m *measurement) rows(b built, environment map[string]string, secret string) ([]row, error) {
	baseline := func(name, binary string, variables map[string]string) row {
		e := maps.Clone(environment)
		maps.Copy(e, variables)
		e["TABLE_NAME"] = m.table.Name
		function := runtimeapi.Function{
			Name: binary, Binary: filepath.Join(b.baselines, binary), Timeout: time.Minute, MemoryMB: m.functions[0].MemoryMB,
			Environment: e, Output: m.log,
		}
		return newRow(name, function, []byte(`{}`))
	}
	rows := []row{
		baseline("usual way, roots as on provided.al2023", "usual", map[string]string{"SSL_CERT_FILE": b.bundle, "SSL_CERT_DIR": b.folders}),
		baseline("usual way, roots in one file", "usual", map[string]string{"SSL_CERT_FILE": b.bundle, "SSL_CERT_DIR": filepath.Join(b.baselines, "absent")}),
		baseline("empty handler", "empty", nil),
	}
	basic := func(secret string) string { return base64.StdEncoding.EncodeToString([]byte("local:" + secret)) }
	credentials := func(secret string) *strings.Replacer {
		return strings.NewReplacer(basic("example"), basic(secret), "Token example", "Token "+secret,
			"ApiKey example", "ApiKey "+secret, "password=example", "password="+secret)
	}
	// A well-formed secret that no key has is looked up.
	keyed, unknown := credentials(secret), credentials(auth.NewSecret())
	for _, f := range m.functions {
		sample, err := os.ReadFile(filepath.Join(m.root, "events", f.Name+".json"))
		if err != nil {
			return nil, fmt.Errorf("sample event: %w", err)
		}
		e := maps.Clone(f.Environment)
		maps.Copy(e, environment)
		function := runtimeapi.Function{
			Name: f.Name, Binary: filepath.Join(b.functions, f.Name), Timeout: f.Timeout, MemoryMB: f.MemoryMB, Environment: e, Output: m.log,
		}
		r := row{name: f.Name}
		if refused := unknown.Replace(string(sample)); refused != string(sample) {
			r = newRow(f.Name, function, []byte(refused))
		}
		r.answered = &subject{name: f.Name, function: function, event: []byte(keyed.Replace(string(sample))), throttled: true}
		rows = append(rows, r)
	}
	return rows, nil
}

func newRow(name string, function runtimeapi.Function, event []byte) row {
	return row{
		name:        name,
		refused:     &subject{name: name, function: function, event: event, throttled: true},
		unthrottled: &subject{name: name, function: function, event: event},
	}
}

// measure starts each subject once per round, in a random order.
func (m *measurement) measure(ctx context.Context, rows []row, f *front) error {
	server, err := runtimeapi.Listen(ctx)
	if err != nil {
		return err
	}
	defer server.Close()
	var all []*subject
	for _, r := range rows {
		all = append(all, r.refused, r.unthrottled, r.answered)
	}
	all = slices.DeleteFunc(all, func(s *subject) bool { return s == nil })
	for i := range m.warmUp + m.rounds {
		if i == m.warmUp {
			m.say(fmt.Sprintf("Measuring %d starts of %d kinds.", m.rounds, len(all)))
			for _, s := range all {
				s.times, s.inits, s.calls = nil, nil, 0
			}
		}
		rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for _, s := range all {
			if err := s.start(ctx, server, f); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
		}
	}
	return nil
}

// start makes one measurement.
func (s *subject) start(ctx context.Context, server *runtimeapi.Server, f *front) error {
	before := f.requests.Load()
	started := time.Now()
	process, err := server.Start(s.function)
	if err != nil {
		return err
	}
	if s.throttled {
		go throttle(process, s.function.MemoryMB)
	}
	out, err := process.Invoke(ctx, s.event)
	took := time.Since(started)
	process.Stop()
	if err != nil {
		return err
	}
	// A function that is not behind the API has no status, and one that streams has
	// its body after the object.
	answer := struct{ StatusCode int }{http.StatusOK}
	if json.NewDecoder(bytes.NewReader(out)).Decode(&answer) != nil || answer.StatusCode < 200 || answer.StatusCode > 499 {
		return fmt.Errorf("it answered %s", out)
	}
	s.times, s.inits = append(s.times, took), append(s.inits, process.InitDuration())
	s.calls = max(s.calls, f.requests.Load()-before)
	return nil
}

func (m *measurement) say(text string) { _, _ = fmt.Fprintln(m.log, text) }

// median returns the middle of the times, or the mean of the two in the
// middle.
func median(times []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(times))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
