package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"instances/pkg/repository/dynamo/dynamolocal"
	"instances/pkg/template"
)

// target is the header that names the action.
const target = "X-Amz-Target"

// usage is what was used between two looks at a meter.
type usage struct {
	calls int
	units units
	// busy is the time in which a call was under way, and waits how long the
	// same calls are assumed to take on AWS, in milliseconds.
	busy  time.Duration
	waits float64
}

// meter stands between the functions and an engine, and adds up what AWS would
// charge. It hands requests and answers on as they are. It is safe for
// concurrent use.
type meter struct {
	url    string
	engine string
	table  template.Table
	name   string
	client *http.Client
	web    *http.Server

	mu    sync.Mutex
	used  usage
	err   error
	open  int
	since time.Time
	// wait is the longest of the calls that are under way together.
	wait float64
}

// newMeter starts a meter for a table on an engine, whose definition it has to
// know.
func newMeter(ctx context.Context, on dynamolocal.Table, table template.Table) (*meter, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	m := &meter{
		url: "http://" + l.Addr().String(), engine: on.Endpoint, table: table, name: on.Name,
		// The answers have checksums of what is sent.
		client: &http.Client{Transport: &http.Transport{DisableCompression: true}},
	}
	m.web = &http.Server{Handler: m, ReadHeaderTimeout: time.Minute}
	go func() {
		// It ends when it is closed.
		_ = m.web.Serve(l)
	}()
	return m, nil
}

func (m *meter) close() {
	_ = m.web.Close()
	m.client.CloseIdleConnections()
}

// take returns what was used since the last time.
func (m *meter) take() (usage, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	u, err := m.used, m.err
	m.used, m.err = usage{}, nil
	if m.open > 0 {
		err = errors.Join(err, errors.New("a call of DynamoDB is still under way"))
	}
	return u, err
}

// ServeHTTP hands a request on and meters it.
func (m *meter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.enter()
	header, c, err := m.relay(r)
	var charged units
	if err == nil {
		charged, err = charge(m.table, c)
	}
	// The function may be done as soon as it has the answer.
	m.leave(c.action, charged, err)
	if err != nil {
		http.Error(w, "the request cannot be metered", http.StatusBadGateway)
		return
	}
	for name, values := range header {
		w.Header()[name] = values
	}
	w.WriteHeader(c.status)
	_, _ = w.Write(c.answer)
}

func (m *meter) enter() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.open == 0 {
		m.since, m.wait = time.Now(), 0
	}
	m.open++
}

func (m *meter) leave(action string, charged units, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	wait := float64(readWait)
	if strings.HasPrefix(action, "Transact") {
		wait = transactionWait
	}
	m.wait = max(m.wait, wait)
	m.used.calls++
	m.used.units = m.used.units.plus(charged)
	m.err = errors.Join(m.err, err)
	m.open--
	if m.open == 0 {
		m.used.busy += time.Since(m.since)
		m.used.waits += m.wait
	}
}

// relay makes a call of the engine, and looks at the items before and after.
func (m *meter) relay(r *http.Request) (http.Header, call, error) {
	_, action, _ := strings.Cut(r.Header.Get(target), ".")
	c := call{action: action}
	var err error
	if c.request, err = io.ReadAll(r.Body); err != nil {
		return nil, c, fmt.Errorf("read a request: %w", err)
	}
	p, err := parse(c.request)
	if err != nil {
		return nil, c, err
	}
	keys := p.keys(m.table)
	if c.before, err = m.items(r, keys); err != nil {
		return nil, c, err
	}
	var header http.Header
	if c.status, header, c.answer, err = m.ask(r.Context(), r.Header, c.request); err != nil {
		return nil, c, err
	}
	c.after = c.before
	if !strings.HasSuffix(action, "GetItem") {
		c.after, err = m.items(r, keys)
	}
	return header, c, err
}

// items reads items of the table with the credentials of a request.
func (m *meter) items(r *http.Request, keys []item) ([]item, error) {
	header := r.Header.Clone()
	header.Set(target, "DynamoDB_20120810.GetItem")
	found := make([]item, len(keys))
	for k, key := range keys {
		body, err := json.Marshal(map[string]any{"TableName": m.name, "Key": key, "ConsistentRead": true})
		if err != nil {
			return nil, fmt.Errorf("encode a key: %w", err)
		}
		status, _, answer, err := m.ask(r.Context(), header, body)
		if err != nil {
			return nil, err
		}
		var one struct{ Item item }
		if status != http.StatusOK {
			return nil, fmt.Errorf("read an item: %d %s", status, answer)
		}
		if err := json.Unmarshal(answer, &one); err != nil {
			return nil, fmt.Errorf("decode an item: %w", err)
		}
		found[k] = one.Item
	}
	return found, nil
}

// ask sends a request to the engine.
func (m *meter) ask(ctx context.Context, header http.Header, body []byte) (int, http.Header, []byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, m.engine, bytes.NewReader(body))
	if err != nil {
		return 0, nil, nil, fmt.Errorf("ask DynamoDB Local: %w", err)
	}
	r.Header = header.Clone()
	r.Header.Del("Accept-Encoding")
	answer, err := m.client.Do(r)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("ask DynamoDB Local: %w", err)
	}
	defer func() { _ = answer.Body.Close() }()
	read, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("read the answer of DynamoDB Local: %w", err)
	}
	return answer.StatusCode, answer.Header, read, nil
}
