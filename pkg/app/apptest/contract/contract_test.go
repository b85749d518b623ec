package contract_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"instances/pkg/app/apptest/contract"
	"instances/pkg/compute"
	"instances/pkg/execution"
	"instances/pkg/template"
	"instances/pkg/topology"
)

// things is a small document.
const things = `
openapi: 3.1.0
info: {title: Things, version: '1'}
security: [{basic: []}]
x-refusals: [is taken]
paths:
  /things/{id}/:
    parameters:
      - {name: id, in: path, required: true, schema: {type: integer, minimum: 1}}
    get:
      parameters:
        - {name: limit, in: query, allowEmptyValue: true, schema: {type: integer, maximum: 9}}
      responses:
        '200': &thing
          description: A thing.
          headers:
            ETag: {required: true, schema: {type: string, pattern: '^".*"$'}}
            Retry-After: {schema: {type: integer}}
          content:
            application/json:
              schema: {$ref: '#/components/schemas/Thing'}
        '304': {description: The same.}
        '400': &problem
          description: A problem.
          content: {application/problem+json: {schema: {type: object, required: [detail]}}}
    head: {responses: {'200': *thing}}
    put:
      requestBody:
        required: true
        content:
          application/json:
            schema: {$ref: '#/components/schemas/Thing'}
            examples: {small: {value: {name: x, size: 1}}}
      responses: {'200': *thing, '400': *problem}
components:
  securitySchemes: {basic: {type: http, scheme: basic}}
  schemas:
    Thing:
      type: object
      required: [name]
      additionalProperties: false
      properties:
        name: {type: string, maxLength: 3}
        size: {type: integer, format: int64}
`

// exchange returns a GET that is as described, changed.
func exchange(change func(x *contract.Exchange)) contract.Exchange {
	x := contract.Exchange{
		Method: "GET", URL: &url.URL{Path: "/things/1"}, Header: http.Header{"Authorization": {"x"}}, Status: 200,
		AnswerHeader: http.Header{"Content-Type": {"application/json"}, "Etag": {`"1"`}}, Answer: []byte(`{"name":"x"}`),
	}
	change(&x)
	return x
}

func put(body string) func(x *contract.Exchange) {
	return func(x *contract.Exchange) { x.Method, x.Body = "PUT", []byte(body) }
}

func problem(x *contract.Exchange) {
	x.Status, x.Answer, x.AnswerHeader = 400, []byte(`{"detail":"x"}`), http.Header{"Content-Type": {"application/problem+json"}}
}

// Nothing that a document says is vacuous, in either direction.
func TestCheck(t *testing.T) {
	t.Parallel()
	d, err := contract.Parse("things", things)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(x *contract.Exchange)
		want   string
	}{
		"as described":       {func(*contract.Exchange) {}, ""},
		"slash at the end":   {func(x *contract.Exchange) { x.URL.Path = "/things/1/" }, ""},
		"stage":              {func(x *contract.Exchange) { x.URL.Path = "/dev/things/1" }, ""},
		"other path":         {func(x *contract.Exchange) { x.URL.Path, x.Status = "/others/1", 299 }, ""},
		"undescribed status": {func(x *contract.Exchange) { x.Status = 202 }, "does not describe the status 202"},
		"missing header":     {func(x *contract.Exchange) { x.AnswerHeader.Del("ETag") }, "header ETag is missing"},
		"wrong header":       {func(x *contract.Exchange) { x.AnswerHeader.Set("ETag", "1") }, "header ETag"},
		"header as number":   {func(x *contract.Exchange) { x.AnswerHeader.Set("Retry-After", "10") }, ""},
		"text as number":     {func(x *contract.Exchange) { x.AnswerHeader.Set("Retry-After", "soon") }, "header Retry-After"},
		"undescribed header": {func(x *contract.Exchange) { x.AnswerHeader.Set("X-Other", "1") }, "header X-Other is not described"},
		"content type":       {func(x *contract.Exchange) { x.AnswerHeader.Set("Content-Type", "text/html") }, `"text/html" is not described`},
		"no JSON":            {func(x *contract.Exchange) { x.Answer = []byte(`{`) }, "the body"},
		"unknown property":   {func(x *contract.Exchange) { x.Answer = []byte(`{"name":"x","color":1}`) }, "color"},
		"missing property":   {func(x *contract.Exchange) { x.Answer = []byte(`{}`) }, "name"},
		"large integer":      {func(x *contract.Exchange) { x.Answer = []byte(`{"name":"x","size":9223372036854775808}`) }, "int64"},
		"cut off":            {func(x *contract.Exchange) { x.Answer, x.Cut = []byte(`{"na`), true }, ""},
		"not modified":       {func(x *contract.Exchange) { x.Status, x.Answer, x.AnswerHeader = 304, nil, nil }, ""},
		"body of a 304":      {func(x *contract.Exchange) { x.Status, x.AnswerHeader = 304, nil }, "it has a body"},
		"HEAD":               {func(x *contract.Exchange) { x.Method, x.Answer = "HEAD", nil }, ""},
		"HEAD without ETag": {func(x *contract.Exchange) {
			x.Method, x.Answer = "HEAD", nil
			x.AnswerHeader.Del("ETag")
		}, "header ETag is missing"},
		"method accepted":       {func(x *contract.Exchange) { x.Method = "DELETE" }, "it was not refused"},
		"method refused":        {func(x *contract.Exchange) { x.Method, x.Status = "DELETE", 405 }, ""},
		"preflight":             {func(x *contract.Exchange) { x.Method, x.Status = "OPTIONS", 204 }, ""},
		"no credentials":        {func(x *contract.Exchange) { x.Header = nil }, "Authorization header is required"},
		"bad path":              {func(x *contract.Exchange) { x.URL.Path = "/things/x" }, "path parameter id"},
		"zero":                  {func(x *contract.Exchange) { x.URL.Path = "/things/0" }, "path parameter id"},
		"bad parameter":         {func(x *contract.Exchange) { x.URL.RawQuery = "limit=10" }, "query parameter limit"},
		"in other letters":      {func(x *contract.Exchange) { x.URL.RawQuery = "LIMIT=10" }, "query parameter limit"},
		"twice":                 {func(x *contract.Exchange) { x.URL.RawQuery = "limit=1&Limit=1" }, "more than once"},
		"empty":                 {func(x *contract.Exchange) { x.URL.RawQuery = "limit=" }, ""},
		"unlisted":              {func(x *contract.Exchange) { x.URL.RawQuery = "other=1" }, ""},
		"not UTF-8":             {func(x *contract.Exchange) { x.URL.RawQuery = "limit=%ff" }, "not Unicode"},
		"valid refused":         {problem, "is valid, and x-refusals"},
		"invalid refused":       {func(x *contract.Exchange) { x.URL.Path = "/things/x"; problem(x) }, ""},
		"reason refused":        {func(x *contract.Exchange) { problem(x); x.Answer = []byte(`{"detail":"is taken"}`) }, ""},
		"unlisted refused":      {func(x *contract.Exchange) { problem(x); x.URL.RawQuery = "other=1" }, ""},
		"wrong problem":         {func(x *contract.Exchange) { x.URL.Path = "/things/x"; problem(x); x.Answer = []byte(`{}`) }, "detail"},
		"PUT":                   {put(`{"name":"x","size":1.0}`), ""},
		"PUT of a long name":    {put(`{"name":"long"}`), "maxLength"},
		"PUT of no body":        {put(``), "body is missing"},
		"PUT of a list":         {put(`[]`), "the body"},
		"PUT of a surrogate":    {put(`{"name":"\ud800"}`), "not Unicode"},
		"PUT of bytes":          {put("{\"name\":\"\xff\"}"), "not UTF-8"},
		"PUT of another number": {put(`{"name":"x","size":1.5}`), "integer"},
		"PUT as text": {func(x *contract.Exchange) {
			put(` {"name":"x"}`)(x)
			x.Header.Set("Content-Type", "text/plain")
		}, ""},
		"PUT of a form": {func(x *contract.Exchange) {
			put(`name=x`)(x)
			x.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}, "is not described"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := d.Check(exchange(test.change))
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	d, err := contract.Parse("things", things)
	if err != nil {
		t.Fatal(err)
	}
	const path = "/paths/~1things~1{id}~1"
	has := func(part string) bool { return slices.Contains(d.Missing(), part) }
	do := func(change func(x *contract.Exchange)) {
		t.Helper()
		if err := d.Check(exchange(change)); err != nil {
			t.Fatal(err)
		}
	}
	all := []string{
		path + "/put", path + "/head/responses/200", path + "/get/responses/304", path + "/get/parameters/0",
		path + "/put/requestBody/content/application~1json/examples/small", "/components/schemas/Thing/properties/size",
		path + "/get/responses/200/headers/Retry-After",
	}
	for _, part := range all {
		if !has(part) {
			t.Errorf("%s is not missing at the start: %q", part, d.Missing())
		}
	}
	// What was refused did not occur.
	do(func(x *contract.Exchange) { put(`{"name":"long","size":1}`)(x); problem(x) })
	if part := path + "/put"; !has(part) {
		t.Errorf("%s occurred", part)
	}
	do(func(x *contract.Exchange) { x.URL.RawQuery = "limit=3"; x.AnswerHeader.Set("Retry-After", "1") })
	do(put(`{"name":"x"}`))
	for _, part := range []string{all[4], all[5]} {
		if !has(part) {
			t.Errorf("%s occurred", part)
		}
	}
	do(put(`{"size":1,"name":"x"}`))
	do(func(x *contract.Exchange) { x.Status, x.Answer, x.AnswerHeader = 304, nil, nil })
	do(func(x *contract.Exchange) { x.URL.Path = "/things/x"; problem(x) })
	do(func(x *contract.Exchange) { x.Method, x.Answer = "HEAD", nil; x.AnswerHeader.Set("Retry-After", "1") })
	do(func(x *contract.Exchange) { put(`{"name":"x"}`)(x); x.AnswerHeader.Set("Retry-After", "1") })
	if missing := d.Missing(); len(missing) > 0 {
		t.Errorf("missing at the end: %q", missing)
	}
}

func TestParseRefusesBadDocuments(t *testing.T) {
	t.Parallel()
	for _, change := range [][2]string{
		{"3.1.0", "3.0.3"},
		{"{name: x, size: 1}", "{name: long}"},
		{"components/schemas/Thing'", "components/schemas/Nothing'"},
		{"type: string, maxLength: 3", "type: text"},
		{"/things/{id}/:", "/things/{name}/:"},
	} {
		if _, err := contract.Parse("things", strings.ReplaceAll(things, change[0], change[1])); err == nil {
			t.Errorf("no error with %s", change[1])
		}
	}
}

// recorder notes the errors of a test.
type recorder struct {
	testing.TB
	mu     sync.Mutex
	errors []any
}

func (r *recorder) Helper() {}

func (r *recorder) Error(args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errors = append(r.errors, args...)
}

func (r *recorder) failed() []any {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.errors
}

// What passes through a handler or a transport is checked.
func TestHandlerAndTransport(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		answer string
		wrong  bool
	}{{`{"type":"about:blank","title":"t","status":404,"detail":"d"}`, false}, {`{}`, true}} {
		api := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			h := w.Header()
			h.Set("Content-Type", "application/problem+json")
			h.Set("X-Request-Id", "1")
			h.Set("Access-Control-Allow-Origin", "*")
			h.Set("Access-Control-Expose-Headers", "ETag")
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, test.answer)
		})
		for name, try := range map[string]func(r *recorder) *http.Client{
			"handler": func(r *recorder) *http.Client {
				s := httptest.NewServer(contract.Handler(r, api))
				t.Cleanup(s.Close)
				return clientOf(s, http.DefaultTransport)
			},
			"transport": func(r *recorder) *http.Client {
				s := httptest.NewServer(api)
				t.Cleanup(s.Close)
				return clientOf(s, contract.Transport(r, http.DefaultTransport))
			},
		} {
			r := &recorder{TB: t}
			request, err := http.NewRequest(http.MethodPut, "/flexdeploy/rest/v1/topology/instance/1", strings.NewReader(`{"instanceName":"n","instanceCode":"c"}`))
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Authorization", "Token x")
			got, err := try(r).Do(request)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(got.Body)
			_ = got.Body.Close()
			if err != nil || string(body) != test.answer || got.StatusCode != http.StatusNotFound {
				t.Errorf("%s: got %d %s, %v", name, got.StatusCode, body, err)
			}
			if errs := r.failed(); (len(errs) > 0) != test.wrong {
				t.Errorf("%s: answer %s: got errors %v", name, test.answer, errs)
			}
		}
	}
}

// clientOf returns a client whose requests go to s.
func clientOf(s *httptest.Server, through http.RoundTripper) *http.Client {
	return &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		u, err := url.Parse(s.URL + r.URL.RequestURI())
		if err != nil {
			return nil, err
		}
		r.URL = u
		return through.RoundTrip(r)
	})}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// The documents describe the routes of the template, and no others.
func TestRoutes(t *testing.T) {
	t.Parallel()
	tmpl, err := template.Load(filepath.Join("..", "..", "..", "..", "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, api := range []struct{ name, text, root string }{
		{"topology", topology.OpenAPI(), "/flexdeploy/"},
		{"compute", compute.OpenAPI(), "/api/"},
		{"execution", execution.OpenAPI(), "/instances/"},
	} {
		d, err := contract.Parse(api.name, api.text)
		if err != nil {
			t.Fatal(err)
		}
		var described, routes []string
		for method, path := range d.Operations() {
			described = append(described, method+" "+strings.TrimSuffix(path, "/"))
		}
		for _, r := range tmpl.API.Resources {
			for method, m := range r.Methods {
				if strings.HasPrefix(r.Path, api.root) && m.Mock == nil {
					routes = append(routes, method+" "+r.Path)
				}
			}
		}
		slices.Sort(described)
		slices.Sort(routes)
		if len(routes) == 0 || !slices.Equal(described, routes) {
			t.Errorf("%s: the document describes\n\t%q, the template\n\t%q", api.name, described, routes)
		}
	}
}
