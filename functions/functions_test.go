// Package functions_test checks that the template, the functions, their
// sample events and the code agree.
package functions_test

import (
	"context"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"instances/pkg/app"
	"instances/pkg/app/function"
	"instances/pkg/app/local"
	"instances/pkg/auth"
	"instances/pkg/compute"
	"instances/pkg/execution"
	"instances/pkg/gateway"
	"instances/pkg/template"
)

func load(t *testing.T) *template.Template {
	t.Helper()
	tmpl, err := template.Load("../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

// same fails unless got and want hold the same strings, in any order.
func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

// Every function of the template has a folder, a constructor and a sample
// event, and nothing else does.
func TestFunctionsAreTheSameEverywhere(t *testing.T) {
	t.Parallel()
	tmpl := load(t)
	var declared []string
	for _, f := range tmpl.Functions {
		declared = append(declared, f.Name)
		if want := strings.ReplaceAll(f.Name, "-", ""); !strings.EqualFold(f.LogicalID, want) {
			t.Errorf("%s has the logical id %s", f.Name, f.LogicalID)
		}
		if (len(f.Routes) == 0) == (len(f.Schedules) == 0) {
			t.Errorf("%s has %d routes and %d schedules", f.Name, len(f.Routes), len(f.Schedules))
		}
	}
	names := func(pattern string) []string {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range paths {
			paths[i] = strings.TrimSuffix(strings.TrimSuffix(filepath.ToSlash(p), "/main.go"), ".json")
			paths[i] = strings.TrimPrefix(paths[i], "../events/")
		}
		return paths
	}
	same(t, "folders of functions", names("*/main.go"), declared)
	same(t, "sample events", names("../events/*"), declared)
	if err := local.Check(tmpl); err != nil {
		t.Error(err)
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var folders []string
	for _, e := range entries {
		if e.IsDir() {
			folders = append(folders, e.Name())
		}
	}
	same(t, "all folders", folders, declared)
}

// Each main only starts its own function.
func TestMains(t *testing.T) {
	t.Parallel()
	for _, f := range load(t).Functions {
		source, err := os.ReadFile(filepath.Join(f.Name, "main.go"))
		if err != nil {
			t.Fatal(err)
		}
		if lines := strings.Count(string(source), "\n"); lines > 20 {
			t.Errorf("%s/main.go has %d lines", f.Name, lines)
		}
		start := "app.Start(app." + f.LogicalID + ")"
		if f.Name == "reference" {
			start = "function.Serve(reference.Handler())"
		}
		if !strings.Contains(string(source), "func main() { "+start+" }") {
			t.Errorf("%s/main.go does not call %s", f.Name, start)
		}
	}
}

// recorder keeps what the gateway invokes.
type recorder struct {
	function string
	event    []byte
}

func (r *recorder) Invoke(_ context.Context, function string, event []byte) ([]byte, error) {
	r.function, r.event = function, event
	return []byte(`{"statusCode":200}`), nil
}

func (r *recorder) Stream(ctx context.Context, function string, event []byte) (io.ReadCloser, error) {
	head, err := r.Invoke(ctx, function, event)
	return io.NopCloser(strings.NewReader(string(head) + gateway.Delimiter)), err
}

// Each sample event is what the gateway sends for the request that it
// describes.
func TestSampleEvents(t *testing.T) {
	t.Parallel()
	tmpl := load(t)
	for _, f := range tmpl.Functions {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile("../events/" + f.Name + ".json")
			if err != nil {
				t.Fatal(err)
			}
			if len(f.Schedules) > 0 {
				checkScheduled(t, f, data)
				return
			}
			var sample struct {
				Resource, Path, HTTPMethod, Body string
				MultiValueHeaders                map[string][]string
				MultiValueQueryStringParameters  map[string][]string
				RequestContext                   struct{ Path, Stage string }
			}
			var want, got map[string]any
			for _, v := range []any{&sample, &want} {
				if err := json.Unmarshal(data, v); err != nil {
					t.Fatal(err)
				}
			}
			if !slices.ContainsFunc(f.Routes, func(r template.Route) bool { return r.Method == sample.HTTPMethod && r.Path == sample.Resource }) {
				t.Errorf("%s %s is no route of the function", sample.HTTPMethod, sample.Resource)
			}
			// Whoever asks for a token does not have one yet, and the reference is
			// for all.
			open := f.Name == "compute-token-auth" || f.Name == "reference"
			if credentials := len(sample.MultiValueHeaders["Authorization"]); (credentials == 1) == open {
				t.Errorf("there are %d Authorization headers", credentials)
			}

			var r recorder
			g, err := gateway.New(tmpl, &r, gateway.Options{StageInPath: true})
			if err != nil {
				t.Fatal(err)
			}
			request := httptest.NewRequestWithContext(t.Context(), sample.HTTPMethod,
				"https://api.example.com"+sample.RequestContext.Path, strings.NewReader(sample.Body))
			for name, values := range sample.MultiValueHeaders {
				if name != "Host" && !strings.HasPrefix(name, "X-Forwarded-") {
					request.Header[name] = values
				}
			}
			request.RemoteAddr = sample.MultiValueHeaders["X-Forwarded-For"][0] + ":4711"
			query := request.URL.Query()
			for name, values := range sample.MultiValueQueryStringParameters {
				query[name] = values
			}
			request.URL.RawQuery = query.Encode()
			w := httptest.NewRecorder()
			g.ServeHTTP(w, request)
			if w.Code != http.StatusOK || r.function != f.Name {
				t.Fatalf("the request is answered %d by %q: %s", w.Code, r.function, w.Body)
			}
			if err := json.Unmarshal(r.event, &got); err != nil {
				t.Fatal(err)
			}
			// It is missing from AWS's samples, and from these.
			delete(got["requestContext"].(map[string]any), "deploymentId")
			// These differ with each request.
			for _, name := range []string{"resourceId", "extendedRequestId", "requestId", "requestTime", "requestTimeEpoch", "apiId"} {
				for _, event := range []map[string]any{got, want} {
					c := event["requestContext"].(map[string]any)
					if _, ok := c[name]; !ok {
						t.Errorf("no %s", name)
					}
					delete(c, name)
				}
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("the gateway sends\n%v, the sample is\n%v", got, want)
			}
		})
	}
}

// checkScheduled checks that the sample is what the schedule sends, except for
// the time, which is left to the clock; that the schedule's role allows what it
// needs and no more; and that no failure is lost.
func checkScheduled(t *testing.T, f template.Function, sample []byte) {
	t.Helper()
	for _, s := range f.Schedules {
		var want, got map[string]any
		if err := errors.Join(json.Unmarshal(sample, &want), json.Unmarshal([]byte(s.Input), &got)); err != nil {
			t.Fatal(err)
		}
		if got["time"] != "<aws.scheduler.scheduled-time>" {
			t.Errorf("the schedule sends %s, which lacks its time", s.Input)
		}
		delete(got, "time")
		if !reflect.DeepEqual(got, want) {
			t.Errorf("the schedule sends %s, the sample is %s", s.Input, sample)
		}
		var allowed []string
		for _, statement := range s.Statements {
			for _, r := range statement.Resources {
				allowed = append(allowed, strings.Join(statement.Actions, " ")+" "+r)
			}
		}
		same(t, "what the schedule may do", allowed, []string{
			"lambda:InvokeFunction ${" + f.LogicalID + ".Alias}", "sqs:SendMessage " + s.DeadLetters,
		})
		if f.OnFailure == "" || f.OnFailure == s.DeadLetters {
			t.Errorf("what failed goes to %q, what was not delivered to %q", f.OnFailure, s.DeadLetters)
		}
	}
}

// The template and the code have the same defaults for the cleanup.
func TestCleanupSettings(t *testing.T) {
	t.Parallel()
	f, ok := load(t).Function("cleanup")
	if !ok {
		t.Fatal("there is no cleanup")
	}
	got, err := app.ParseCleanupSettings(func(name string) string { return f.Environment[name] })
	want, _ := app.ParseCleanupSettings(func(string) string { return "" })
	if err != nil || got != want || got.ComputeSilent != 0 || got.ExecutionEnded != 0 {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	if f.Timeout != 15*time.Minute {
		t.Errorf("a run has %v", f.Timeout)
	}
}

// sources parses packages without their tests.
func sources(t *testing.T, folders ...string) []*ast.File {
	t.Helper()
	var files []*ast.File
	for _, folder := range folders {
		paths, err := filepath.Glob(filepath.Join("..", folder, "*.go"))
		if err != nil || len(paths) == 0 {
			t.Fatalf("no source in %s: %v", folder, err)
		}
		for _, p := range paths {
			if strings.HasSuffix(p, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, file)
		}
	}
	return files
}

// literal returns the value of a string literal, or "".
func literal(n ast.Expr) string {
	if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
		text, _ := strconv.Unquote(l.Value)
		return text
	}
	return ""
}

// The template sets exactly the variables that the code reads. Those that
// Lambda sets start with AWS_.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	var named []string
	for _, file := range sources(t, "pkg/app", "pkg/repository/dynamo", "pkg/lambdahttp") {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) != 1 {
				return true
			}
			name := ""
			switch f := call.Fun.(type) {
			case *ast.Ident:
				name = f.Name
			case *ast.SelectorExpr:
				name = f.Sel.Name
			}
			variable := literal(call.Args[0])
			if (strings.EqualFold(name, "getenv") || name == "LookupEnv") && variable != "" && !strings.HasPrefix(variable, "AWS_") {
				named = append(named, variable)
			}
			return true
		})
	}
	for _, f := range load(t).Functions {
		read := append([]string{app.TableVariable, app.HistoryRetentionVariable, function.AllowOriginVariable}, named...)
		if _, ok := f.Environment[app.SilentAfterVariable]; ok {
			// TestSilence checks which functions have it.
			read = append(read, app.SilentAfterVariable)
		}
		if f.Name == "topology-search" {
			read = append(read, app.NameSearchVariable)
		}
		if f.Name == "cleanup" {
			read = append(read, app.DeletedRetentionVariable, app.ComputeSilentVariable, app.ExecutionEndedVariable)
		}
		slices.Sort(read)
		same(t, "variables of "+f.Name, slices.Collect(maps.Keys(f.Environment)), slices.Compact(read))
	}
}

// The variable for the time after which an instance counts as silent is set for
// exactly the functions that use it. Its default is the same in the template
// and in the code.
func TestSilence(t *testing.T) {
	t.Parallel()
	var want, got []string
	for _, file := range sources(t, "pkg/app") {
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					if name, ok := call.Fun.(*ast.Ident); ok && name.Name == "computeSettings" {
						want = append(want, f.Name.Name)
					}
				}
				return true
			})
		}
	}
	byDefault, err := app.ParseSilentAfter("")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range load(t).Functions {
		text, ok := f.Environment[app.SilentAfterVariable]
		if !ok {
			continue
		}
		got = append(got, f.LogicalID)
		if set, err := app.ParseSilentAfter(text); err != nil || set != byDefault {
			t.Errorf("%s has %q, %v; want %v", f.Name, text, err, byDefault)
		}
	}
	same(t, "functions with "+app.SilentAfterVariable, got, want)
}

// The template and the code name the same indexes and key attributes.
func TestTable(t *testing.T) {
	t.Parallel()
	var indexes []string
	tags := map[string]bool{}
	tag := regexp.MustCompile(`dynamodbav:"([^",]+)`)
	for _, file := range sources(t, "pkg/repository/dynamo") {
		ast.Inspect(file, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				if text := literal(l); strings.HasSuffix(text, "Index") && !strings.Contains(text, " ") {
					indexes = append(indexes, text)
				}
				if m := tag.FindStringSubmatch(l.Value); m != nil {
					tags[m[1]] = true
				}
			}
			return true
		})
	}
	tables := load(t).Tables
	if len(tables) != 1 {
		t.Fatalf("there are %d tables", len(tables))
	}
	var declared []string
	attributes := []string{tables[0].Expiry}
	for _, a := range tables[0].Attributes {
		attributes = append(attributes, a.Name)
	}
	for _, x := range tables[0].Indexes {
		declared = append(declared, x.Name)
		attributes = append(attributes, x.NonKeyAttributes...)
	}
	slices.Sort(indexes)
	same(t, "indexes", declared, slices.Compact(indexes))
	for _, a := range attributes {
		if !tags[a] {
			t.Errorf("the repository stores no attribute %q", a)
		}
	}
}

// A function may write to the log group, send to the queue for its failures,
// and use the table, no more than its name says. It may also send traces, which
// have no resource-level permissions.
func TestPolicies(t *testing.T) {
	t.Parallel()
	reading := []string{
		"topology-get", "topology-search", "topology-history",
		"compute-list", "compute-get", "compute-images", "compute-gpus", "compute-token-auth",
		"execution-get", "execution-list",
	}
	for _, f := range load(t).Functions {
		traces := 0
		for _, s := range f.Statements {
			if slices.Equal(s.Actions, []string{"xray:PutTraceSegments", "xray:PutTelemetryRecords"}) &&
				slices.Equal(s.Resources, []string{"*"}) {
				traces++
				continue
			}
			for _, a := range s.Actions {
				sends := a == "sqs:SendMessage" && slices.Equal(s.Resources, []string{f.OnFailure})
				if strings.Contains(a, "*") || a == "dynamodb:Scan" ||
					!strings.HasPrefix(a, "dynamodb:") && !strings.HasPrefix(a, "logs:") && !sends {
					t.Errorf("%s may do %s", f.Name, a)
				}
				isWrite := strings.HasSuffix(a, "PutItem") || strings.HasSuffix(a, "UpdateItem") || strings.HasSuffix(a, "DeleteItem")
				if isWrite && len(s.Conditions) == 0 {
					t.Errorf("%s may do %s without a condition", f.Name, a)
				}
				if isWrite && slices.Contains(reading, f.Name) {
					t.Errorf("%s may do %s", f.Name, a)
				}
			}
			for _, r := range s.Resources {
				own := r == "${FunctionLogs.Arn}" || r == "${Table.Arn}" || strings.HasPrefix(r, "${Table.Arn}/index/") ||
					f.OnFailure != "" && r == f.OnFailure
				if !own || strings.Contains(r, "*") {
					t.Errorf("%s may touch %s", f.Name, r)
				}
			}
		}
		if traces != 1 {
			t.Errorf("%s may send traces by %d statements", f.Name, traces)
		}
	}
}

// API Gateway answers no request in its own words: every resource answers all
// methods and preflights, and has a variable segment below it.
func TestNoRequestIsLeftToAPIGateway(t *testing.T) {
	t.Parallel()
	api := load(t).API
	below := map[string]bool{}
	for _, r := range api.Resources {
		i := strings.LastIndex(r.Path, "/")
		if strings.HasPrefix(r.Path[i+1:], "{") {
			below[r.Path[:i]] = true
		}
	}
	paths := map[string]bool{}
	for _, r := range api.Resources {
		paths[r.Path] = true
		if r.Methods[template.AnyMethod].Mock == nil {
			t.Errorf("%s does not answer all methods", r.Path)
		}
		if m := r.Methods["OPTIONS"].Mock; m == nil || m.Status != http.StatusNoContent {
			t.Errorf("%s does not answer preflights", r.Path)
		}
		if !strings.HasSuffix(r.Path, "+}") && !below[strings.TrimSuffix(r.Path, "/")] {
			t.Errorf("below %s nothing is answered", r.Path)
		}
	}
	for p := range paths {
		for i := strings.LastIndex(p, "/"); i > 0; i = strings.LastIndex(p[:i], "/") {
			if !paths[p[:i]] {
				t.Errorf("%s is no resource, though %s is", p[:i], p)
			}
		}
	}
}

// The gateway's own answers have the words of the functions' answers, allow
// other origins, and list the methods of the path.
func TestFixedAnswers(t *testing.T) {
	t.Parallel()
	api := load(t).API
	for _, r := range api.Resources {
		var functions []string
		for name, m := range r.Methods {
			if m.Mock == nil {
				functions = append(functions, name)
				continue
			}
			if m.Mock.Headers["Access-Control-Allow-Origin"] != "*" {
				t.Errorf("%s %s has the headers %v", name, r.Path, m.Mock.Headers)
			}
		}
		any := r.Methods[template.AnyMethod].Mock
		top, _, _ := strings.Cut(r.Path[1:], "/")
		if words, ok := fixedWords()[top]; ok {
			checkWords(t, r.Path, any, words)
		} else {
			checkProblem(t, r.Path, any.Status, any.Body, any.Headers)
		}
		if len(functions) == 0 {
			if any.Status != http.StatusNotFound {
				t.Errorf("%s answers %d", r.Path, any.Status)
			}
			continue
		}
		if any.Status != http.StatusMethodNotAllowed {
			t.Errorf("%s answers %d to other methods", r.Path, any.Status)
		}
		same(t, "Allow of "+r.Path, strings.Split(any.Headers["Allow"], ", "), append(functions, "OPTIONS"))
		preflight := r.Methods["OPTIONS"].Mock.Headers
		for _, name := range functions {
			if !slices.Contains(strings.Split(preflight["Access-Control-Allow-Methods"], ", "), name) {
				t.Errorf("a preflight of %s does not allow %s", r.Path, name)
			}
		}
	}
	for kind, g := range api.GatewayResponses {
		if g.Headers["Access-Control-Allow-Origin"] != "*" {
			t.Errorf("%s has the headers %v", kind, g.Headers)
		}
		body := strings.ReplaceAll(g.Body, "$context.error.messageString", `"x"`)
		checkProblem(t, kind, g.Status, body, g.Headers)
		checkMessage(t, kind, body)
	}
	if api.GatewayResponses["THROTTLED"].Headers["Retry-After"] != "1" {
		t.Error("a throttled client does not learn when to try again")
	}
}

func checkProblem(t *testing.T, where string, status int, body string, headers map[string]string) {
	t.Helper()
	var p struct {
		Type, Title, Detail string
		Status              int
	}
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		t.Errorf("%s: %v", where, err)
	}
	if p.Type != "about:blank" || p.Title == "" || p.Detail == "" || p.Status != status {
		t.Errorf("%s: the body for %d is %s", where, status, body)
	}
	if status != 0 && p.Title != http.StatusText(status) {
		t.Errorf("%s: the title for %d is %q", where, status, p.Title)
	}
	want := "application/problem+json"
	if where == "/" || where == "/{proxy+}" {
		// The path does not belong to an API.
		want = "application/json"
	}
	if kind := headers["Content-Type"]; kind != want {
		t.Errorf("%s: the content type is %s", where, kind)
	}
}

// fixedWords returns the bodies of the gateway's answers that are not problem
// details, by the first segment of the path and by status.
func fixedWords() map[string]map[int]string {
	return map[string]map[int]string{
		"api": {
			http.StatusNotFound:         `{"detail":"Not found."}`,
			http.StatusMethodNotAllowed: `{"detail":"Method \"$context.httpMethod\" not allowed."}`,
		},
		"instances": {
			http.StatusNotFound:         `{"message":"Not found"}`,
			http.StatusMethodNotAllowed: `{"message":"Method not allowed"}`,
		},
	}
}

func checkWords(t *testing.T, where string, m *template.Mock, words map[int]string) {
	t.Helper()
	if m.Body != words[m.Status] {
		t.Errorf("%s: the body for %d is %s", where, m.Status, m.Body)
	}
	if kind := m.Headers["Content-Type"]; kind != "application/json" {
		t.Errorf("%s: the content type is %s", where, kind)
	}
}

// checkMessage checks that an answer for the clients of all APIs also has a
// message, which those of the execution API read.
func checkMessage(t *testing.T, kind, body string) {
	t.Helper()
	var p struct{ Detail, Message string }
	if err := json.Unmarshal([]byte(body), &p); err != nil || p.Message == "" || p.Message != p.Detail {
		t.Errorf("%s: the body is %s, %v", kind, body, err)
	}
}

// A HEAD is answered as the GET of its path, except where a GET has an effect.
func TestHead(t *testing.T) {
	t.Parallel()
	for _, r := range load(t).API.Resources {
		want := r.Methods[http.MethodGet]
		if r.Path == compute.BasePath+"/{uuid}/get-jobs" {
			want = template.Method{}
		}
		if got := r.Methods[http.MethodHead]; got != want {
			t.Errorf("HEAD %s is answered by %+v, not by %+v", r.Path, got, want)
		}
	}
}

// API Gateway does not ask for credentials. Each function does, in the words of
// its API.
func TestStrangersReachTheFunctions(t *testing.T) {
	t.Parallel()
	tmpl := load(t)
	for _, f := range tmpl.Functions {
		for _, route := range f.Routes {
			r := recorder{}
			g, err := gateway.New(tmpl, &r, gateway.Options{})
			if err != nil {
				t.Fatal(err)
			}
			g.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), route.Method, route.Path, nil))
			if r.function != f.Name {
				t.Errorf("%s %s without credentials is answered by %q, not by %s", route.Method, route.Path, r.function, f.Name)
			}
		}
	}
}

// everybody knows every key.
type everybody struct{}

func (everybody) Credential(_ context.Context, hash string) (auth.Credential, error) {
	return auth.Credential{Name: "test", Owner: "test", Hash: hash, Allow: []string{auth.AllowAll}}, nil
}

func (everybody) NamedCredential(context.Context, string) (auth.Credential, error) {
	return auth.Credential{}, auth.ErrNoCredential
}

// Unknown paths and methods are answered in the words of their API, with the
// methods that exist.
func TestUnknownPathsAndMethods(t *testing.T) {
	t.Parallel()
	tmpl := load(t)
	g, err := gateway.New(tmpl, &recorder{}, gateway.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		method, target string
		status         int
		allow, body    string
	}{
		{"GET", "/api/", 404, "", `{"detail":"Not found."}`},
		{"GET", "/api/v2/instances/", 404, "", `{"detail":"Not found."}`},
		{"POST", "/api/v1/", 404, "", `{"detail":"Not found."}`},
		{"PATCH", compute.BasePath + "/x/restart/", 404, "", `{"detail":"Not found."}`},
		{"PATCH", compute.BasePath + "/x/start/now/", 404, "", `{"detail":"Not found."}`},
		{"GET", "/api/v1/images/x/", 404, "", `{"detail":"Not found."}`},
		{"PUT", compute.BasePath + "/", 405, "GET, HEAD, POST, OPTIONS", `{"detail":"Method \"PUT\" not allowed."}`},
		{"POST", compute.BasePath + "/x/", 405, "GET, HEAD, PUT, PATCH, DELETE, OPTIONS", `{"detail":"Method \"POST\" not allowed."}`},
		{"POST", compute.BasePath + "/x/start/", 405, "PATCH, OPTIONS", `{"detail":"Method \"POST\" not allowed."}`},
		{"HEAD", compute.BasePath + "/x/get-jobs/", 405, "GET, OPTIONS", `{"detail":"Method \"HEAD\" not allowed."}`},
		{"GET", "/api/v1/api-token-auth/", 405, "POST, OPTIONS", `{"detail":"Method \"GET\" not allowed."}`},
		{"DELETE", "/api/v1/gpus", 405, "GET, HEAD, OPTIONS", `{"detail":"Method \"DELETE\" not allowed."}`},

		{"GET", "/instances", 404, "", `{"message":"Not found"}`},
		{"POST", "/instances/x", 404, "", `{"message":"Not found"}`},
		{"GET", "/instances/get", 404, "", `{"message":"Not found"}`},
		{"GET", "/instances/get/", 404, "", `{"message":"Not found"}`},
		{"DELETE", "/instances/delete/", 404, "", `{"message":"Not found"}`},
		{"GET", "/instances/get/x/y", 404, "", `{"message":"Not found"}`},
		{"DELETE", "/instances/delete/x/y", 404, "", `{"message":"Not found"}`},
		{"PUT", "/instances/create/x", 404, "", `{"message":"Not found"}`},
		{"POST", "/instances/update/x", 404, "", `{"message":"Not found"}`},
		{"GET", "/instances/list/x", 404, "", `{"message":"Not found"}`},
		{"POST", "/instances/create", 405, "PUT, OPTIONS", `{"message":"Method not allowed"}`},
		{"DELETE", "/instances/get/x", 405, "GET, HEAD, OPTIONS", `{"message":"Method not allowed"}`},
		{"POST", "/instances/list/", 405, "GET, HEAD, OPTIONS", `{"message":"Method not allowed"}`},
		{"PUT", "/instances/update", 405, "POST, OPTIONS", `{"message":"Method not allowed"}`},
		{"GET", "/instances/delete/x", 405, "DELETE, OPTIONS", `{"message":"Method not allowed"}`},
	} {
		r := httptest.NewRequestWithContext(t.Context(), test.method, test.target, strings.NewReader("a=b"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		if w.Code != test.status || w.Body.String() != test.body || w.Header().Get("Allow") != test.allow ||
			w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s %s is answered %d %s with %v", test.method, test.target, w.Code, w.Body, w.Header())
		}
	}
}

// In the compute API, the gateway and the functions answer the same 404.
func TestNotFoundIsTheSame(t *testing.T) {
	t.Parallel()
	// An ID that is not a UUID is refused without the repository.
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Token x")
	w := httptest.NewRecorder()
	compute.Secure(auth.NewAuthenticator(everybody{}, time.Now), compute.ReadPermission, compute.GetInstance(nil, compute.Settings{})).
		ServeHTTP(w, r)
	if body := strings.TrimSpace(w.Body.String()); w.Code != http.StatusNotFound || body != `{"detail":"Not found."}` {
		t.Errorf("a function answers %d %s", w.Code, body)
	}
}

// In the execution API, the gateway and the functions refuse in the same form.
func TestMessagesAreTheSame(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	execution.Secure(auth.NewAuthenticator(everybody{}, time.Now), execution.ReadPermission, nil).
		ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	bodies := []string{w.Body.String()}
	for _, body := range fixedWords()["instances"] {
		bodies = append(bodies, body)
	}
	for _, body := range bodies {
		var members map[string]string
		if err := json.Unmarshal([]byte(body), &members); err != nil || len(members) != 1 || members["message"] == "" {
			t.Errorf("%s is no message: %v", body, err)
		}
	}
	if w.Code != http.StatusUnauthorized || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("a function answers %d with %v", w.Code, w.Header())
	}
}
