package rehearsal_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"instances/pkg/app/apptest"
	"instances/pkg/app/apptest/contract"
	"instances/pkg/app/local"
	"instances/pkg/auth"
	"instances/pkg/gateway"
	"instances/pkg/instance"
	"instances/pkg/rehearsal"
	"instances/pkg/repository/dynamo"
	"instances/pkg/repository/dynamo/dynamolocal"
	"instances/pkg/repository/dynamo/dynamotest"
	"instances/pkg/template"
	"instances/pkg/topology"
)

// database is DynamoDB Local whose queries a test counts, holds and refuses.
type database struct {
	engine http.Handler

	mu      sync.Mutex
	queries int
	// refuseAfter is the number of queries after which others are refused, and
	// holdAfter that after which they get no answer.
	refuseAfter, holdAfter int
}

const unlimited = 1 << 30

func newDatabase(t *testing.T, table *dynamolocal.Table) *database {
	t.Helper()
	engine, err := url.Parse(table.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	d := &database{engine: &httputil.ReverseProxy{
		Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(engine) },
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}}
	d.reset(unlimited, unlimited)
	s := httptest.NewServer(d)
	t.Cleanup(s.Close)
	table.Endpoint = s.URL
	return d
}

// reset returns how many queries there were, and counts from 0 again.
func (d *database) reset(refuseAfter, holdAfter int) (queries int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	queries, d.queries = d.queries, 0
	d.refuseAfter, d.holdAfter = refuseAfter, holdAfter
	return queries
}

func (d *database) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".Query") {
		d.mu.Lock()
		d.queries++
		refused, held := d.queries > d.refuseAfter, d.queries > d.holdAfter
		d.mu.Unlock()
		if refused {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type":"com.amazonaws.dynamodb.v20120810#ValidationException","message":"no"}`)
			return
		}
		if held {
			// The end of the connection is noticed only after the body.
			_, _ = io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
			return
		}
	}
	d.engine.ServeHTTP(w, r)
}

const listPath = "/flexdeploy/rest/v1/topology/instance"

// lists is the API with instances that take many queries to read.
type lists struct {
	database *database
	api      http.Handler
	secret   string
	count    int
}

// inProcess returns the functions in this process, and rehearsed their binaries.
func inProcess(t *testing.T, table dynamolocal.Table, tmpl *template.Template) gateway.Invoker {
	t.Helper()
	r := dynamo.New(dynamo.Config{Client: table.Client(nil), Table: table.Name, Now: time.Now})
	functions, err := local.New(tmpl, local.Options{
		Repository: r, Keys: auth.NewAuthenticator(r, time.Now), Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return functions
}

func rehearsed(t *testing.T, table dynamolocal.Table, tmpl *template.Template) gateway.Invoker {
	t.Helper()
	// With one process, a request waits until the process is done with the one
	// before.
	functions, err := rehearsal.New(t.Context(), rehearsal.Options{
		Template: tmpl, Folder: apptest.Functions(t), Environment: table.Environment(), Limit: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(functions.Close)
	return functions
}

// newLists fills a table with instances in as many blocks, each of which takes a
// query.
func newLists(t *testing.T) (*lists, dynamolocal.Table) {
	t.Helper()
	table := dynamotest.NewTable(t)
	r := dynamo.New(dynamo.Config{Client: table.Client(nil), Table: table.Name, Now: time.Now})
	secret, err := auth.Mint(t.Context(), r, auth.NewKey{Name: "test", Allow: []string{auth.AllowAll}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	l := &lists{secret: secret, count: 25}
	l.serve(t, table, inProcess)
	operations := make([]string, 40)
	for i := range operations {
		operations[i] = fmt.Sprintf(`{"pluginId":%d,"operation":%q}`, i, strings.Repeat("a", 250))
	}
	for i := range l.count {
		if err := r.ReserveNumbers(t.Context(), topology.Kind(), int64(i*instance.BlockSize)); err != nil {
			t.Fatal(err)
		}
		body := fmt.Sprintf(`{"instanceName":"n","instanceCode":"C%d","pluginOperations":[%s]}`, i, strings.Join(operations, ","))
		r := l.request(t.Context(), http.MethodPost, listPath, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		l.api.ServeHTTP(w, r)
		if w.Code != http.StatusCreated {
			t.Fatalf("create: %d %.300s", w.Code, w.Body)
		}
	}
	return l, table
}

// serve puts the gateway in front of functions on the table.
func (l *lists) serve(t *testing.T, table dynamolocal.Table, invoker func(*testing.T, dynamolocal.Table, *template.Template) gateway.Invoker) {
	t.Helper()
	tmpl, err := template.Load(filepath.Join("..", "..", "template.yaml"), template.With("Table", table.Name))
	if err != nil {
		t.Fatal(err)
	}
	l.database = newDatabase(t, &table)
	api, err := gateway.New(tmpl, invoker(t, table, tmpl), gateway.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l.api = contract.Handler(t, api)
}

func (l *lists) request(ctx context.Context, method, target string, body io.Reader) *http.Request {
	r := httptest.NewRequestWithContext(ctx, method, target, body)
	r.SetBasicAuth("test", l.secret)
	return r
}

// get asks a server of its own, which ends with the test, for a list.
func (l *lists) get(t *testing.T, target, coding string, read func(*http.Response)) {
	t.Helper()
	s := httptest.NewServer(l.api)
	// It waits for the end of the request.
	defer s.Close()
	r := l.request(t.Context(), http.MethodGet, s.URL+target, http.NoBody)
	r.RequestURI = ""
	r.Header.Set("Accept-Encoding", coding)
	response, err := s.Client().Do(r)
	if err != nil {
		t.Error(err)
		return
	}
	defer func() { _ = response.Body.Close() }()
	read(response)
}

// codes returns the codes of the instances in a list.
func codes(t *testing.T, body io.Reader) []string {
	t.Helper()
	var list []struct{ InstanceCode string }
	if err := json.NewDecoder(body).Decode(&list); err != nil {
		t.Error(err)
	}
	all := []string{}
	for _, i := range list {
		all = append(all, i.InstanceCode)
	}
	return all
}

// Lists stream over real HTTP, from functions in this process as from the binaries
// that get deployed.
func TestLists(t *testing.T) {
	t.Parallel()
	filled, table := newLists(t)
	for name, invoker := range map[string]func(*testing.T, dynamolocal.Table, *template.Template) gateway.Invoker{
		"in process": inProcess, "rehearsal": rehearsed,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := *filled
			l.serve(t, table, invoker)
			queries := l.whole(t)
			l.compressed(t)
			l.pages(t)
			l.cut(t, queries)
			l.failed(t)
			l.left(t, queries)
		})
	}
}

func (l *lists) want() []string {
	var all []string
	for i := range l.count {
		all = append(all, fmt.Sprintf("C%d", i))
	}
	return all
}

// whole reads a whole list, and returns how many queries that takes.
func (l *lists) whole(t *testing.T) int {
	t.Helper()
	l.get(t, listPath, "identity", func(r *http.Response) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.StatusCode != http.StatusOK || r.ContentLength != -1 {
			t.Errorf("answer %d of %d bytes with %v, %v", r.StatusCode, len(body), r.Header, err)
		}
		if got := codes(t, strings.NewReader(string(body))); strings.Join(got, " ") != strings.Join(l.want(), " ") {
			t.Errorf("the list is %v", got)
		}
	})
	return l.database.reset(unlimited, unlimited)
}

func (l *lists) compressed(t *testing.T) {
	t.Helper()
	l.get(t, listPath, "gzip", func(r *http.Response) {
		body, err := gzip.NewReader(r.Body)
		if err != nil || r.Header.Get("Content-Encoding") != "gzip" || !strings.Contains(strings.Join(r.Header.Values("Vary"), ","), "Accept-Encoding") {
			t.Fatalf("headers %v, %v", r.Header, err)
		}
		if got := codes(t, body); len(got) != l.count {
			t.Errorf("the list is %v", got)
		}
	})
}

func (l *lists) pages(t *testing.T) {
	t.Helper()
	var got []string
	for at := listPath + "?limit=5"; at != "" && len(got) < l.count; {
		l.get(t, at, "identity", func(r *http.Response) {
			page := codes(t, r.Body)
			link := r.Header.Get("Link")
			if got = append(got, page...); (link != "") != (len(got) < l.count) || link != "" && len(page) != 5 {
				t.Errorf("a page of %d with Link %q", len(page), link)
			}
			at = strings.TrimSuffix(strings.TrimPrefix(link, "<"), `>; rel="next"`)
		})
	}
	if strings.Join(got, " ") != strings.Join(l.want(), " ") {
		t.Errorf("the pages are %v", got)
	}
}

// cut has the database fail on the last part of a list. No client can take what
// it got for the whole.
func (l *lists) cut(t *testing.T, queries int) {
	t.Helper()
	for _, coding := range []string{"identity", "gzip"} {
		l.database.reset(queries-1, unlimited)
		l.get(t, listPath, coding, func(r *http.Response) {
			body, err := io.ReadAll(r.Body)
			if r.StatusCode != http.StatusOK || len(body) == 0 || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s: answer %d of %d bytes, %v", coding, r.StatusCode, len(body), err)
			}
			if coding == "gzip" {
				var expanded []byte
				z, err := gzip.NewReader(strings.NewReader(string(body)))
				if err == nil {
					expanded, err = io.ReadAll(z)
				}
				if err == nil {
					t.Error("the compressed form has an end")
				}
				body = expanded
			}
			if len(body) == 0 || body[0] != '[' || json.Valid(body) {
				t.Errorf("%s: %.100s … is whole JSON", coding, body)
			}
		})
	}
	l.database.reset(unlimited, unlimited)
}

// failed has the database fail before the first entry: that has a status.
func (l *lists) failed(t *testing.T) {
	t.Helper()
	l.database.reset(0, unlimited)
	l.get(t, listPath, "gzip", func(r *http.Response) {
		if body, err := io.ReadAll(r.Body); err != nil || r.StatusCode != http.StatusInternalServerError || !json.Valid(body) {
			t.Errorf("answer %d %s, %v", r.StatusCode, body, err)
		}
	})
	l.database.reset(unlimited, unlimited)
}

// left leaves after the first entries, while the database does not answer: that ends
// the reading.
func (l *lists) left(t *testing.T, queries int) {
	t.Helper()
	l.database.reset(unlimited, 3)
	l.get(t, listPath, "identity", func(r *http.Response) {
		if _, err := io.ReadFull(r.Body, make([]byte, 1000)); err != nil {
			t.Error(err)
		}
	})
	// A process is done with this request when it answers another one.
	l.refused(t)
	if got := l.database.reset(unlimited, unlimited); got >= queries {
		t.Errorf("%d queries, and the whole list takes %d", got, queries)
	}
}

// refused checks what is answered without a query.
func (l *lists) refused(t *testing.T) {
	t.Helper()
	for _, test := range []struct {
		method, target, authorization string
		status                        int
	}{
		{http.MethodPut, listPath, "", http.StatusMethodNotAllowed},
		{http.MethodGet, listPath, "Basic eDp5", http.StatusUnauthorized},
		{http.MethodGet, listPath + "?limit=0", "", http.StatusBadRequest},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		r := l.request(ctx, test.method, test.target, http.NoBody)
		if test.authorization != "" {
			r.Header.Set("Authorization", test.authorization)
		}
		w := httptest.NewRecorder()
		l.api.ServeHTTP(w, r)
		if w.Code != test.status || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s %s: answer %d %s", test.method, test.target, w.Code, w.Body)
		}
	}
}
