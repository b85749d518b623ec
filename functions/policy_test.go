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
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"instances/pkg/app/apptest/contract"
	"instances/pkg/app/local"
	"instances/pkg/auth"
	"instances/pkg/compute"
	"instances/pkg/execution"
	"instances/pkg/gateway"
	"instances/pkg/instance"
	"instances/pkg/repository/dynamo"
	"instances/pkg/repository/dynamo/dynamotest"
	"instances/pkg/template"
	"instances/pkg/topology"
)

func TestMain(m *testing.M) { os.Exit(dynamotest.Main(m)) }

// police stands between a function and DynamoDB. It reports what the function's
// role does not allow, and records what the function needs.
type police struct {
	t        *testing.T
	function template.Function
	next     http.RoundTripper

	mu     sync.Mutex
	needed map[string]bool // ACTION RESOURCE
}

// need is one right that a request to DynamoDB needs.
type need struct {
	action, resource string
	// enclosing is the operation of the transaction around it, or empty; key is
	// the partition key.
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

// meets reports whether the conditions of a statement are met.
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

func (r router) Stream(ctx context.Context, function string, event []byte) (io.ReadCloser, error) {
	return r[function].Stream(ctx, function, event)
}

// clock advances by two minutes for each request. It starts at the current time
// because DynamoDB expires items by its own clock.
type clock struct {
	start   time.Time
	minutes atomic.Int64
}

func (c *clock) now() time.Time { return c.start.Add(time.Duration(c.minutes.Load()) * time.Minute) }

// uuid returns the UUID in the answer to a create.
func uuid(body string) string {
	_, rest, _ := strings.Cut(body, `"uuid":"`)
	uuid, _, _ := strings.Cut(rest, `"`)
	return uuid
}

// Each function's role allows exactly the calls of DynamoDB that the function
// makes, no more and no less, though several functions share a role.
func TestRolesFitTheCode(t *testing.T) {
	t.Parallel()
	table := dynamotest.NewTable(t)
	// Rights for rules that are off by default count too.
	tmpl, err := template.Load("../template.yaml",
		template.With("ComputeDeleteSilentAfterDays", "1"), template.With("ExecutionDeleteEndedAfterDays", "1"))
	if err != nil {
		t.Fatal(err)
	}
	c := &clock{start: time.Now()}
	functions := router{}
	var polices []*police
	for _, f := range tmpl.Functions {
		p := &police{t: t, function: f, needed: map[string]bool{}}
		polices = append(polices, p)
		r := dynamo.New(dynamo.Config{
			Client: table.Client(func(next http.RoundTripper) http.RoundTripper { p.next = next; return p }),
			Table:  table.Name, Now: c.now, HistoryRetention: 24 * time.Hour,
		})
		fs, err := local.New(tmpl, local.Options{
			Repository: r, Keys: auth.NewAuthenticator(r, c.now), Now: c.now, Logger: slog.New(slog.DiscardHandler),
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
	api = contract.Handler(t, api)
	operator := dynamo.New(dynamo.Config{Client: table.Client(nil), Table: table.Name, Now: c.now})
	// Writes need more for name rows.
	_, err = operator.Upgrade(t.Context(), dynamo.UpgradeOptions{
		Kinds: []instance.Kind{topology.Kind()}, Names: dynamo.AddNames,
		After:    func(time.Duration) <-chan time.Time { return time.After(0) },
		Progress: func(dynamo.UpgradeStep, dynamo.UpgradeReport) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string]string{}
	for name, profiles := range map[string]map[string]string{"test": nil, "client": {"compute": compute.ClientProfile}} {
		k := auth.NewKey{Name: name, Owner: "test", Allow: []string{auth.AllowAll}, Profiles: profiles}
		if secrets[name], err = auth.Mint(t.Context(), operator, k, c.now()); err != nil {
			t.Fatal(err)
		}
	}
	// Such an ID does not contain the time of its creation.
	const imported = "91c34f50-5181-4739-915a-7615a6a72d2f"
	err = operator.Create(t.Context(), instance.Instance{
		Kind: compute.Kind(), Collection: "test", ID: imported, Name: "imported", Owner: "test", Active: true,
		Version: 1, Incarnation: instance.NewIncarnation(), CreatedAt: c.now(), UpdatedAt: c.now(),
		Attributes: []byte(`{"askPrice":0.02,"type":"cpu","maxNumParallelJobs":1}`),
	}, instance.Change{By: "test", Owner: "test", At: c.now(), Operation: "import"}, nil)
	if err != nil {
		t.Fatal(err)
	}

	type request struct {
		method, target, body string
		status               int
	}
	made := map[string]string{} // What NAME in a target stands for.
	run := func(key string, requests ...request) {
		t.Helper()
		for _, request := range requests {
			c.minutes.Add(2)
			target := request.target
			for name, id := range made {
				target = strings.ReplaceAll(target, name, id)
			}
			r := httptest.NewRequestWithContext(t.Context(), request.method, target, strings.NewReader(request.body))
			r.SetBasicAuth(key, secrets[key])
			switch {
			case strings.HasPrefix(request.body, "{"):
				r.Header.Set("Content-Type", "application/json")
			case request.body != "":
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
			switch {
			case request.method == http.MethodGet:
			case request.method == http.MethodPost || strings.HasSuffix(request.target, "/create"):
				// The same body again repeats the request.
				r.Header.Set("Idempotency-Key", request.body)
			default:
				r.Header.Set("Idempotency-Key", strconv.FormatInt(c.minutes.Load(), 10))
			}
			w := httptest.NewRecorder()
			api.ServeHTTP(w, r)
			if w.Code != request.status {
				t.Fatalf("%s %s is answered %d: %s", request.method, target, w.Code, w.Body)
			}
			if id := uuid(w.Body.String()); request.method == http.MethodPost && id != "" {
				made[strings.ToUpper(key)] = id
			}
		}
	}

	const base = "/flexdeploy/rest/v1/topology/instance"
	run("test",
		request{"POST", base, `{"instanceName":"First","instanceCode":"A","groupCode":"G","subGroupCode":"S"}`, 201},
		request{"POST", base, `{"instanceName":"First","instanceCode":"A","groupCode":"G","subGroupCode":"S"}`, 201}, // Replayed.
		request{"GET", base + "/1", "", 200},
		request{"GET", base + "/2", "", 404},
		request{"PUT", base + "/1", `{"instanceName":"First","instanceCode":"B","groupCode":"G"}`, 200},
		request{"PATCH", base + "/1", `{"instanceCode":"C"}`, 200},
		request{"GET", base, "", 200},
		request{"GET", base + "?instanceCode=c", "", 200},
		request{"GET", base + "?instanceCode=none", "", 200},
		request{"GET", base + "?groupCode=g", "", 200},
		request{"GET", base + "?subGroupCode=s", "", 200},
		request{"GET", base + "?instanceName=ir", "", 200},
		request{"GET", base + "?instanceName=ir&groupCode=g", "", 200},
		request{"GET", base + "/1/history", "", 200},
		request{"GET", base + "/1/history?limit=1", "", 200},
		request{"HEAD", base + "?instanceName=ir&limit=1", "", 200},
		request{"HEAD", base + "/1", "", 200},
		request{"GET", base + "/2/history", "", 404},
		request{"DELETE", base + "/1", "", 204},
		request{"DELETE", base + "/1", "", 404},
		request{"GET", base + "/1", "", 404},
		request{"GET", base + "/1/history", "", 200},
	)

	const v1 = "/api/v1/"
	gpu := compute.DefaultGPUs()[0].UUID
	const unknown = "01890a5d-ac96-774b-bcce-b302099a8057"
	run("test",
		request{"POST", v1 + "instances/", `{"name":"First","ask_price":0.02}`, 200},
		request{"POST", v1 + "instances/", `{"name":"First","ask_price":0.02}`, 200}, // Replayed.
		request{"POST", v1 + "instances/", `{"name":"First"}`, 400},
	)
	run("client",
		request{"POST", v1 + "instances/", "name=Second&ask_price=0.1&type=2&gpu=" + gpu, 201},
		request{"POST", v1 + "instances/", "name=Third&ask_price=0.1&type=2&gpu=" + unknown, 400},
		request{"POST", v1 + "api-token-auth/", "username=client&password=" + secrets["client"], 200},
		request{"POST", v1 + "api-token-auth/", "username=client&password=" + secrets["test"], 400},
		request{"POST", v1 + "api-token-auth/", "username=client&password=x", 400},
	)
	all := []string{"TEST", "CLIENT", imported}
	for _, key := range []string{"test", "client"} {
		run(key,
			request{"GET", v1 + "instances/", "", 200},
			request{"GET", v1 + "instances/?limit=1", "", 200},
			request{"GET", v1 + "gpus/", "", 200},
		)
		for _, id := range all {
			one := v1 + "instances/" + id + "/"
			run(key,
				request{"GET", one, "", 200},
				request{"PUT", one, "name=New&ask_price=0.3", 200},
				request{"PATCH", one, `{"name":"Newer"}`, 200},
				request{"PATCH", one, "type=gpu&gpu=" + gpu, 200},
				request{"PATCH", one, "ask_price=0", 400},
				request{"PATCH", one + "add-image/", "image_registry_path=a%2Fb", 200},
				request{"PATCH", one + "add-image/", "image_registry_path=c", 200},
				request{"GET", v1 + "images/?instance=" + id, "", 200},
				request{"PATCH", one + "delete-image/", "image_registry_path=c", 200},
			)
			for range 2 {
				run(key,
					request{"GET", one + "get-jobs/", "", 200},
					request{"PATCH", one + "start/", "", 200},
					request{"PATCH", one + "stop/", "", 200},
				)
			}
		}
		// IDs that do not exist, and one that cannot.
		for _, id := range []string{unknown, "00000000-0000-4000-8000-000000000000", "x"} {
			one := v1 + "instances/" + id + "/"
			run(key,
				request{"GET", one, "", 404},
				request{"PUT", one, "name=New&ask_price=0.3", 404},
				request{"PATCH", one, "name=Newer", 404},
				request{"DELETE", one, "", 404},
				request{"PATCH", one + "start/", "", 404},
				request{"PATCH", one + "stop/", "", 404},
				request{"PATCH", one + "add-image/", "image_registry_path=a", 404},
				request{"PATCH", one + "delete-image/", "image_registry_path=a", 404},
				request{"GET", one + "get-jobs/", "", 404},
				request{"GET", v1 + "images/?instance=" + id, "", 404},
			)
		}
	}
	if err := operator.SetDocument(t.Context(), compute.GPUsDocument, []byte("[]")); err != nil {
		t.Fatal(err)
	}
	run("test",
		request{"GET", v1 + "gpus/", "", 200},
		request{"PATCH", v1 + "instances/TEST/", "type=gpu&gpu=" + gpu, 400},
		request{"DELETE", v1 + "instances/TEST/", "", 200},
		request{"DELETE", v1 + "instances/" + imported + "/", "", 200},
		request{"GET", v1 + "instances/" + imported + "/", "", 404},
	)
	run("client",
		request{"DELETE", v1 + "instances/CLIENT/", "uuid=x", 204},
		request{"GET", v1 + "instances/", "", 200},
	)

	const execution = "/instances/"
	const first = `{"id":"first","idRef":"R","name":"First","mode":"ExecAsync","user":"U","input":[{"name":"a"}]}`
	run("test",
		request{"PUT", execution + "create", first, 200},
		request{"PUT", execution + "create", first, 200}, // Replayed.
		request{"PUT", execution + "create", `{"id":"first","idRef":"R","name":"Second","mode":"ExecSync","user":"U","input":"a"}`, 400},
		request{"PUT", execution + "create", `{"idRef":"R","name":"Second","mode":"ExecSync","forceinput":[]}`, 200},
		request{"PUT", execution + "create", `{"idRef":"Q","name":"Third","mode":"Subscription","user":"V","input":{"input":"a"}}`, 200},
		request{"PUT", execution + "create", `{"name":"Fourth"}`, 400},
		request{"POST", execution + "update", `{"id":"first","idRef":"R","name":"New","mode":"ExecAsync","user":"U","input":"b"}`, 200},
		request{"POST", execution + "update", `{"id":"first","idRef":"S","name":"New","mode":"ExecAsync","user":"W","input":1,"otStatus":"error"}`, 200},
		request{"POST", execution + "update", `{"id":"first","idRef":"S","name":"New","mode":"ExecAsync","user":"W","input":1,"otStatus":"lost"}`, 400},
		request{"POST", execution + "update", `{"id":"none","idRef":"S","name":"New","mode":"ExecAsync","user":"W","input":1}`, 400},
		request{"POST", execution + "update", `{"idRef":"S","name":"New","mode":"ExecAsync","user":"W","input":1}`, 400},
		request{"GET", execution + "list?name=New", "", 400},
	)
	for _, key := range []string{"test", "client"} {
		run(key,
			request{"GET", execution + "get/first", "", 200},
			request{"GET", execution + "get/none", "", 400},
			request{"GET", execution + "get/a%20b", "", 400},
		)
		for _, idRef := range []string{"", "idRef=s&", "idRef=none&"} {
			for _, user := range []string{"", "user=w&", "user=none&"} {
				for _, status := range []string{"", "status=error&", "status=none&"} {
					run(key,
						request{"GET", execution + "list?" + idRef + user + status, "", 200},
						request{"GET", execution + "list?" + idRef + user + status + "limit=1", "", 200},
					)
				}
			}
		}
	}
	run("client",
		request{"DELETE", execution + "delete/first", "", 200},
		request{"DELETE", execution + "delete/first", "", 400},
		request{"DELETE", execution + "delete/a%20b", "", 400},
		request{"GET", execution + "get/first", "", 400},
		request{"POST", execution + "update", `{"id":"first","idRef":"R","name":"New","mode":"ExecAsync","user":"U","input":"c"}`, 400},
		// The id is free again.
		request{"PUT", execution + "create", `{"id":"first","idRef":"R","name":"Again","mode":"ExecAsync","user":"U","input":"d"}`, 200},
		request{"GET", execution + "get/first", "", 200},
	)

	run("test", request{"GET", "/docs", "", 200}, request{"GET", "/openapi/topology.json", "", 200})

	cleanUp(t, operator, functions, c)

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

// cleanUp makes something of each kind due, and runs the cleanup until all of
// it is gone.
func cleanUp(t *testing.T, operator *dynamo.Repository, functions router, c *clock) {
	t.Helper()
	const month = 31 * 24 * 60
	change := instance.Change{By: "test", Owner: "test", At: c.now(), Operation: "create"}
	for _, i := range []instance.Instance{
		{Kind: compute.Kind(), Collection: "test", ID: "01890a5d-ac96-774b-bcce-b302099a8058", Code: "C"},
		// Such an ID does not contain the time of its creation.
		{Kind: compute.Kind(), Collection: "test", ID: "91c34f50-5181-4739-915a-7615a6a72d2e"},
		{Kind: execution.Kind(), Collection: "00", ID: "ended", Code: "E"},
	} {
		i.Version, i.Incarnation, i.Owner = 1, instance.NewIncarnation(), "test"
		i.CreatedAt, i.UpdatedAt, i.IdleSince = c.now(), c.now(), c.now()
		if err := operator.Create(t.Context(), i, change, nil); err != nil {
			t.Fatal(err)
		}
	}
	// The first block of topology instances is empty, and no longer the one
	// being filled.
	if err := operator.ReserveNumbers(t.Context(), topology.Kind(), 5*instance.BlockSize); err != nil {
		t.Fatal(err)
	}
	if _, err := operator.NextNumber(t.Context(), topology.Kind()); err != nil {
		t.Fatal(err)
	}
	for _, again := range []bool{false, true} {
		for _, name := range []string{"rotated", "revoked"} {
			if again && name == "revoked" {
				continue
			}
			if _, err := auth.Mint(t.Context(), operator, auth.NewKey{Name: name, Allow: []string{auth.AllowAll}}, c.now()); err != nil {
				t.Fatal(err)
			}
			if again {
				continue
			}
			if _, err := operator.RevokeCredential(t.Context(), name, c.now()); err != nil {
				t.Fatal(err)
			}
		}
	}

	type report struct {
		IdleDeleted, DeletedPurged map[string]int
		Tidied, KeysPurged         int
		Complete                   bool
	}
	run := func(event string) (r report) {
		t.Helper()
		out, err := functions.Invoke(t.Context(), "cleanup", []byte(event))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out, &r); err != nil || !r.Complete {
			t.Fatalf("%s: %s, %v", event, out, err)
		}
		return r
	}
	run(`{"dryRun":true}`)
	c.minutes.Add(month)
	preview := run(`{"dryRun":true}`)
	first := run(`{"dryRun":false}`)
	if !reflect.DeepEqual(first, preview) {
		t.Errorf("a cleanup does %+v, told was %+v", first, preview)
	}
	c.minutes.Add(month)
	second := run(`{}`)
	if first.Tidied != 1 || first.KeysPurged != 2 || first.IdleDeleted["compute"] < 2 || first.IdleDeleted["execution"] != 1 ||
		first.DeletedPurged["topology"] == 0 || first.DeletedPurged["compute"] == 0 || first.DeletedPurged["execution"] == 0 ||
		second.DeletedPurged["compute"] != first.IdleDeleted["compute"] || second.DeletedPurged["execution"] != 1 {
		t.Errorf("the cleanups do %+v and %+v", first, second)
	}
}
