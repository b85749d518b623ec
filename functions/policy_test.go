package functions_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"instances/pkg/app/local"
	"instances/pkg/auth"
	"instances/pkg/gateway"
	"instances/pkg/repository/dynamo"
	"instances/pkg/repository/dynamo/dynamotest"
	"instances/pkg/template"
)

func TestMain(m *testing.M) { os.Exit(dynamotest.Main(m)) }

// police stands between a function and DynamoDB. It reports what the role of
// the function does not allow, and remembers what was needed of it.
type police struct {
	t        *testing.T
	function template.Function
	next     http.RoundTripper

	mu     sync.Mutex
	needed map[string]bool // ACTION RESOURCE
}

// need is one thing that a request to DynamoDB does.
type need struct {
	action, resource string
	// enclosing is the transaction that it is in, or empty; key the
	// partition that it is about.
	enclosing, key string
}

func (p *police) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	_ = r.Body.Close()
	r.Body = io.NopCloser(bytes.NewReader(body))
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	for _, n := range needs(p.t, operation, body) {
		p.check(n)
	}
	return p.next.RoundTrip(r)
}

// part is the request of a single item, alone or in a transaction.
type part struct {
	IndexName string
	Key, Item struct {
		PK struct{ S string } `json:"pk"`
	}
}

func needs(t *testing.T, operation string, body []byte) []need {
	t.Helper()
	var request struct {
		part
		TransactItems []map[string]part
	}
	if err := json.Unmarshal(body, &request); err != nil {
		t.Errorf("%s: %v", operation, err)
	}
	if operation != "TransactWriteItems" {
		n := need{action: "dynamodb:" + operation, resource: "${Table.Arn}", key: request.Key.PK.S + request.Item.PK.S}
		if request.IndexName != "" {
			n.resource += "/index/" + request.IndexName
		}
		return []need{n}
	}
	actions := map[string]string{
		"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem",
	}
	var all []need
	for _, item := range request.TransactItems {
		for name, p := range item {
			all = append(all, need{"dynamodb:" + actions[name], "${Table.Arn}", operation, p.Key.PK.S + p.Item.PK.S})
		}
	}
	return all
}

func (p *police) check(n need) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.function.Statements {
		if slices.Contains(s.Actions, n.action) && slices.Contains(s.Resources, n.resource) && p.meets(s, n) {
			p.needed[n.action+" "+n.resource] = true
			return
		}
	}
	p.t.Errorf("%s needs what its role does not allow: %+v", p.function.Name, n)
}

// meets reports whether the conditions of a statement hold.
func (p *police) meets(s template.Statement, n need) bool {
	for operator, keys := range s.Conditions {
		for key, values := range keys {
			switch operator + " " + key {
			case "ForAnyValue:StringEquals dynamodb:EnclosingOperation":
				if !slices.Contains(values, n.enclosing) {
					return false
				}
			case "ForAllValues:StringLike dynamodb:LeadingKeys":
				if !slices.ContainsFunc(values, func(v string) bool { ok, _ := path.Match(v, n.key); return ok }) {
					return false
				}
			default:
				p.t.Errorf("the condition %s of %s is not understood", operator, key)
			}
		}
	}
	return true
}

// router invokes each function with a repository of its own.
type router map[string]*local.Functions

func (r router) Invoke(ctx context.Context, function string, event []byte) ([]byte, error) {
	return r[function].Invoke(ctx, function, event)
}

// The role of each function allows what the function does, and nothing of
// DynamoDB beyond that.
func TestRolesFitTheCode(t *testing.T) {
	t.Parallel()
	table := dynamotest.NewTable(t)
	tmpl := load(t)
	functions := router{}
	var polices []*police
	for _, f := range tmpl.Functions {
		p := &police{t: t, function: f, needed: map[string]bool{}}
		polices = append(polices, p)
		r := dynamo.New(dynamo.Config{
			Client: table.Client(func(next http.RoundTripper) http.RoundTripper { p.next = next; return p }),
			Table:  table.Name, Now: time.Now, HistoryRetention: 24 * time.Hour,
		})
		fs, err := local.New(tmpl, local.Options{
			Repository: r, Keys: auth.NewAuthenticator(r, time.Now), Now: time.Now, Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		functions[f.Name] = fs
	}
	api, err := gateway.New(tmpl, functions, gateway.Options{})
	if err != nil {
		t.Fatal(err)
	}
	operator := dynamo.New(dynamo.Config{Client: table.Client(nil), Table: table.Name, Now: time.Now})
	secret, err := auth.Mint(t.Context(), operator, auth.NewKey{Name: "test", Allow: []string{auth.AllowAll}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}

	const base = "/flexdeploy/rest/v1/topology/instance"
	for _, request := range []struct {
		method, target, body string
		status               int
	}{
		{"POST", base, `{"instanceName":"First","instanceCode":"A","groupCode":"G","subGroupCode":"S"}`, 201},
		{"POST", base, `{"instanceName":"First","instanceCode":"A","groupCode":"G","subGroupCode":"S"}`, 201}, // Replayed.
		{"GET", base + "/1", "", 200},
		{"GET", base + "/2", "", 404},
		{"PUT", base + "/1", `{"instanceName":"First","instanceCode":"B","groupCode":"G"}`, 200},
		{"PATCH", base + "/1", `{"instanceCode":"C"}`, 200},
		{"GET", base, "", 200},
		{"GET", base + "?instanceCode=c", "", 200},
		{"GET", base + "?instanceCode=none", "", 200},
		{"GET", base + "?groupCode=g", "", 200},
		{"GET", base + "?instanceName=ir", "", 200},
		{"GET", base + "?instanceName=ir&groupCode=g", "", 200},
	} {
		r := httptest.NewRequestWithContext(t.Context(), request.method, request.target, strings.NewReader(request.body))
		r.SetBasicAuth("test", secret)
		if request.body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		if request.method == http.MethodPost {
			r.Header.Set("Idempotency-Key", "one")
		}
		w := httptest.NewRecorder()
		api.ServeHTTP(w, r)
		if w.Code != request.status {
			t.Fatalf("%s %s is answered %d: %s", request.method, request.target, w.Code, w.Body)
		}
	}

	for _, p := range polices {
		var allowed []string
		for _, s := range p.function.Statements {
			for _, a := range s.Actions {
				if !strings.HasPrefix(a, "dynamodb:") {
					continue
				}
				for _, r := range s.Resources {
					allowed = append(allowed, a+" "+r)
				}
			}
		}
		same(t, "what the role of "+p.function.Name+" allows", allowed, slices.Collect(maps.Keys(p.needed)))
	}
}
