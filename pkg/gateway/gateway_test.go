package gateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"instances/pkg/gateway"
	"instances/pkg/template"
)

// invoker invokes one Go function for all names.
type invoker func(ctx context.Context, function string, event []byte) ([]byte, error)

func (f invoker) Invoke(ctx context.Context, function string, event []byte) ([]byte, error) {
	return f(ctx, function, event)
}

func (f invoker) Stream(context.Context, string, []byte) (io.ReadCloser, error) {
	return nil, errors.New("not a stream")
}

// says returns an invoker that always returns the same answer.
func says(answer string) invoker {
	return func(context.Context, string, []byte) ([]byte, error) { return []byte(answer), nil }
}

// echo answers with the name of the function and the event's path parameters.
func echo(_ context.Context, function string, event []byte) ([]byte, error) {
	var e struct {
		PathParameters map[string]string
	}
	if err := json.Unmarshal(event, &e); err != nil {
		return nil, err
	}
	body, _ := json.Marshal(map[string]any{"function": function, "parameters": e.PathParameters})
	return json.Marshal(map[string]any{"statusCode": 200, "body": string(body)})
}

// sized returns an answer of the given size, or of the least possible one.
func sized(bytes int) string {
	const start, end = `{"statusCode":200,"body":"`, `"}`
	return start + strings.Repeat("a", max(0, bytes-len(start)-len(end))) + end
}

func load(t testing.TB) *template.Template {
	t.Helper()
	tmpl, err := template.Load("testdata/api.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

func newGateway(t testing.TB, tmpl *template.Template, i gateway.Invoker, o gateway.Options) http.Handler {
	t.Helper()
	g, err := gateway.New(tmpl, i, o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func do(g http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w
}

func request(method, target, body string, headers ...string) *http.Request {
	r := httptest.NewRequestWithContext(context.Background(), method, target, strings.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func expect(t *testing.T, w *httptest.ResponseRecorder, status int, body string) {
	t.Helper()
	if w.Code != status || w.Body.String() != body {
		t.Errorf("answer %d %s, want %d %s", w.Code, w.Body, status, body)
	}
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	g := newGateway(t, load(t), invoker(echo), gateway.Options{})
	for _, test := range []struct{ method, target, want string }{
		{"GET", "/things", `{"function":"thing-list","parameters":null}`},
		{"GET", "/things/", `{"function":"thing-list","parameters":null}`},
		{"GET", "/things?x=1", `{"function":"thing-list","parameters":null}`},
		{"GET", "/things/7", `{"function":"thing-get","parameters":{"Id":"7"}}`},
		{"GET", "/things/7/", `{"function":"thing-get","parameters":{"Id":"7"}}`},
		{"GET", "/things/a%2Fb%20c", `{"function":"thing-get","parameters":{"Id":"a%2Fb%20c"}}`},
		{"GET", "/things/..", `{"function":"thing-get","parameters":{"Id":".."}}`},
		{"GET", "/things/%FF", `{"function":"thing-get","parameters":{"Id":"%FF"}}`},
		{"GET", "/things/special", `{"function":"thing-list","parameters":null}`},
		{"GET", "/files/a/b//c", `{"function":"thing-get","parameters":{"path":"a/b//c"}}`},
		{"HEAD", "/files/x", `{"function":"thing-list","parameters":{"path":"x"}}`},
		{"POST", "/things", "mock 405 POST"},
		{"PUT", "/things", "mock 405 PUT"},
		{"GET", "/things?x=%zz", "refused: Bad Request"},
		{"GET", "/things?x=1&100%", "refused: Bad Request"},
		{"GET", "/", "mock 404"},
		{"GET", "/other", "mock 404"},
		{"GET", "/things/7/more", "refused: Missing Authentication Token"},
		{"GET", "/things//", "refused: Missing Authentication Token"},
		{"GET", "//things", "mock 404"},
		{"DELETE", "/files", "refused: Missing Authentication Token"},
		{"OPTIONS", "*", "refused: Missing Authentication Token"},
	} {
		t.Run(test.method+" "+test.target, func(t *testing.T) {
			t.Parallel()
			r := request(test.method, "/", "", "Authorization", "x")
			u, err := r.URL.Parse(test.target)
			if strings.HasPrefix(test.target, "//") {
				u, err = r.URL.Parse("http://example.com" + test.target)
			}
			if err != nil {
				t.Fatal(err)
			}
			// Parse resolves dots; a server does not.
			if strings.HasSuffix(test.target, "..") || test.target == "*" {
				u.Path = test.target
			}
			r.URL = u
			if got := strings.TrimSpace(do(g, r).Body.String()); got != test.want {
				t.Errorf("answer %s, want %s", got, test.want)
			}
		})
	}
}

// At the default address of an API, the stage is the first segment.
func TestStageInPath(t *testing.T) {
	t.Parallel()
	var paths []string
	g := newGateway(t, load(t), invoker(func(_ context.Context, _ string, event []byte) ([]byte, error) {
		var e struct {
			Path           string
			RequestContext struct{ Path string }
		}
		if err := json.Unmarshal(event, &e); err != nil {
			return nil, err
		}
		paths = append(paths, e.Path, e.RequestContext.Path)
		return []byte(`{"statusCode":200}`), nil
	}), gateway.Options{StageInPath: true})
	for _, test := range []struct {
		target string
		status int
	}{
		{"/live/things/7", 200}, {"/live", 404}, {"/live/", 404}, {"/things/7", 403}, {"/lives/things/7", 403}, {"/", 403},
	} {
		if w := do(g, request("GET", test.target, "", "Authorization", "x")); w.Code != test.status {
			t.Errorf("GET %s gives %d, want %d", test.target, w.Code, test.status)
		}
	}
	if want := []string{"/things/7", "/live/things/7"}; !reflect.DeepEqual(paths, want) {
		t.Errorf("the event has the paths %q, want %q", paths, want)
	}
}

func TestMock(t *testing.T) {
	t.Parallel()
	g := newGateway(t, load(t), invoker(echo), gateway.Options{})
	for _, test := range []struct {
		contentType string
		status      int
	}{
		{"", 405},
		{"application/json", 405},
		{"Text/Plain; charset=utf-8", 405},
		{"text/plain; broken", 405},
		{"image/png", 406},
		{";;", 406},
	} {
		r := request("POST", "/things", "{}")
		if test.contentType != "" {
			r.Header.Set("Content-Type", test.contentType)
		}
		w := do(g, r)
		if w.Code != test.status {
			t.Errorf("content type %q: status %d, want %d", test.contentType, w.Code, test.status)
		}
		if w.Code == 405 && (w.Header().Get("Allow") != "GET" || w.Header().Get("Content-Type") != "text/x") {
			t.Errorf("content type %q: headers %v", test.contentType, w.Header())
		}
		if w.Code == 406 {
			expect(t, w, 406, `{"status":406,"kind":"UNSUPPORTED_MEDIA_TYPE","detail":"Unsupported Media Type"}`)
			if got := w.Header().Get("Accept"); got != "text/plain" {
				t.Errorf("content type %q: the header of the gateway response is %q", test.contentType, got)
			}
		}
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, answer string
		status       int
		body         string
		headers      http.Header
	}{
		{
			"whole", `{"statusCode":201,"headers":{"etag":"\"1\""},"multiValueHeaders":{"Link":["a","b"]},"body":"{}","isBase64Encoded":false}`,
			201, "{}",
			http.Header{"Etag": {`"1"`}, "Link": {"a", "b"}, "Content-Type": {"application/json"}},
		},
		{"least", `{"statusCode":204}`, 204, "", http.Header{"Content-Type": {"application/json"}}},
		{"nulls", `{"statusCode":200,"headers":null,"multiValueHeaders":null,"body":null}`, 200, "", http.Header{"Content-Type": {"application/json"}}},
		{
			"both kinds of headers", `{"statusCode":200,"headers":{"a":"one","b":"two"},"multiValueHeaders":{"A":["three","four"]}}`,
			200, "",
			http.Header{"A": {"three", "four"}, "B": {"two"}, "Content-Type": {"application/json"}},
		},
		{"content type", `{"statusCode":200,"headers":{"content-type":"text/plain"},"body":"x"}`, 200, "x", http.Header{"Content-Type": {"text/plain"}}},
		{
			"renamed", `{"statusCode":401,"headers":{"WWW-Authenticate":"Basic","Authorization":"a","Connection":"close","Content-MD5":"m",
			"Max-Forwards":"1","User-Agent":"u","Date":"d","Server":"s"}}`, 401, "", http.Header{
				"X-Amzn-Remapped-Www-Authenticate": {"Basic"}, "X-Amzn-Remapped-Authorization": {"a"},
				"X-Amzn-Remapped-Connection": {"close"}, "X-Amzn-Remapped-Content-Md5": {"m"}, "X-Amzn-Remapped-Max-Forwards": {"1"},
				"X-Amzn-Remapped-User-Agent": {"u"}, "X-Amzn-Remapped-Date": {"d"}, "X-Amzn-Remapped-Server": {"s"},
				"Content-Type": {"application/json"},
			},
		},
		{
			"dropped", `{"statusCode":200,"headers":{"Expect":"e","Host":"h","Proxy-Authenticate":"p","TE":"t","Trailer":"t",
			"Transfer-Encoding":"chunked","Upgrade":"u","Via":"v","Content-Length":"99"},"body":"x"}`,
			200, "x",
			http.Header{"Content-Type": {"application/json"}},
		},
		{
			"passed on", `{"statusCode":200,"headers":{"ETag":"e","Retry-After":"1","Location":"l","X-Request-Id":"r"}}`,
			200, "",
			http.Header{"Etag": {"e"}, "Retry-After": {"1"}, "Location": {"l"}, "X-Request-Id": {"r"}, "Content-Type": {"application/json"}},
		},
		{"Base64 stays", `{"statusCode":200,"body":"AAECAw==","isBase64Encoded":true}`, 200, "AAECAw==", http.Header{"Content-Type": {"application/json"}}},
		{"largest", sized(gateway.MaxEventBytes), 200, strings.Repeat("a", gateway.MaxEventBytes-len(sized(0))), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := do(newGateway(t, load(t), says(test.answer), gateway.Options{}), request("GET", "/things", ""))
			if w.Code != test.status || w.Body.String() != test.body {
				t.Errorf("answer %d with %d bytes, want %d with %d", w.Code, w.Body.Len(), test.status, len(test.body))
			}
			if len(w.Header().Get("X-Amzn-Requestid")) != 36 || w.Header().Get("X-Amz-Apigw-Id") == "" {
				t.Errorf("the ids are missing in %v", w.Header())
			}
			w.Header().Del("X-Amzn-Requestid")
			w.Header().Del("X-Amz-Apigw-Id")
			if test.headers != nil && !reflect.DeepEqual(w.Header(), test.headers) {
				t.Errorf("headers %v, want %v", w.Header(), test.headers)
			}
		})
	}
}

// An invalid answer is a 502, worded by the template.
func TestFailures(t *testing.T) {
	t.Parallel()
	for name, i := range map[string]invoker{
		"error": func(context.Context, string, []byte) ([]byte, error) {
			return []byte(`{"statusCode":200}`), errors.New("no")
		},
		"panic":           func(context.Context, string, []byte) ([]byte, error) { panic("no") },
		"no JSON":         says("no"),
		"nothing":         says(""),
		"null":            says("null"),
		"no status":       says(`{"body":"x"}`),
		"status as text":  says(`{"statusCode":"200"}`),
		"status too low":  says(`{"statusCode":101}`),
		"status too high": says(`{"statusCode":600}`),
		"unknown member":  says(`{"statusCode":200,"cookies":[]}`),
		"body no text":    says(`{"statusCode":200,"body":{}}`),
		"two values":      says(`{"statusCode":200}{}`),
		"too large":       says(sized(gateway.MaxEventBytes + 1)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := do(newGateway(t, load(t), i, gateway.Options{}), request("GET", "/things", ""))
			expect(t, w, 502, `{"failed":"DEFAULT_5XX"}`)
			if w.Header().Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("headers %v", w.Header())
			}
		})
	}
}

// A function that uses up its time has failed (502); a gateway that stops
// waiting before that says so (504).
func TestTimeouts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		timeout  time.Duration
		after    time.Duration
		status   int
		attended bool // Whether the function minds its deadline.
	}{
		{"function", 10 * time.Second, 10 * time.Second, 502, false},
		{"function with a deadline", 10 * time.Second, 10 * time.Second, 502, true},
		{"gateway", 40 * time.Second, 29 * time.Second, 504, false},
		{"gateway and a deadline", 40 * time.Second, 29 * time.Second, 504, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tmpl := load(t)
				for i := range tmpl.Functions {
					tmpl.Functions[i].Timeout = test.timeout
				}
				late := make(chan struct{})
				g := newGateway(t, tmpl, invoker(func(ctx context.Context, _ string, _ []byte) ([]byte, error) {
					if test.attended {
						<-ctx.Done()
						return nil, ctx.Err()
					}
					<-late
					return []byte(`{"statusCode":200}`), nil
				}), gateway.Options{})
				started := time.Now()
				w := do(g, request("GET", "/things", ""))
				if w.Code != test.status || time.Since(started) != test.after {
					t.Errorf("status %d after %s, want %d after %s", w.Code, time.Since(started), test.status, test.after)
				}
				close(late)
			})
		})
	}
}

// A function continues if the client disconnects.
func TestClientLeaves(t *testing.T) {
	t.Parallel()
	g := newGateway(t, load(t), invoker(func(ctx context.Context, _ string, _ []byte) ([]byte, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return []byte(`{"statusCode":200}`), nil
	}), gateway.Options{})
	ctx, leave := context.WithCancel(t.Context())
	leave()
	if w := do(g, request("GET", "/things", "").WithContext(ctx)); w.Code != 200 {
		t.Errorf("status %d", w.Code)
	}
}

// The request line and the headers have a common limit, which is checked before
// anything else.
func TestHeaderSizes(t *testing.T) {
	t.Parallel()
	g := newGateway(t, load(t), says(`{"statusCode":200}`), gateway.Options{})
	// What a client sends besides the value of X.
	const rest = len("GET /things HTTP/1.1\r\nHost: example.com\r\nX: \r\n")
	for _, test := range []struct {
		bytes, status int
		target        string
	}{
		{gateway.MaxHeaderBytes, 200, "/things"},
		{gateway.MaxHeaderBytes + 1, 431, "/things"},
		{gateway.MaxHeaderBytes, 431, "/things?"},
	} {
		w := do(g, request("GET", test.target, "", "X", strings.Repeat("a", test.bytes-rest)))
		if w.Code != test.status {
			t.Errorf("%s and %d bytes: status %d, want %d", test.target, test.bytes, w.Code, test.status)
		}
		if test.status == 431 {
			expect(t, w, 431, `{"message":"Request Header Fields Too Large"}`)
			if id := w.Header().Get("X-Request-Id"); id == "" || id != w.Header().Get("X-Amzn-RequestId") {
				t.Errorf("headers %v", w.Header())
			}
		}
	}
}

// The project's own template words refusals and failures.
func TestProjectWords(t *testing.T) {
	t.Parallel()
	tmpl, err := template.Load("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	failing := invoker(func(context.Context, string, []byte) ([]byte, error) { return nil, errors.New("exit status 2") })
	large := strings.Repeat("a", gateway.MaxRequestBytes+1)
	for _, test := range []struct {
		name, body string
		headers    []string
		invoker    gateway.Invoker
		status     int
	}{
		{"request too large", large, nil, says(""), 413},
		{"unknown coding", "{}", []string{"Content-Encoding", "br"}, says(""), 415},
		{"function fails", "{}", nil, failing, 502},
		{"no answer", "{}", nil, says(`{"errorMessage":"no","errorType":"error"}`), 502},
		{"answer too large", "{}", nil, says(sized(gateway.MaxEventBytes + 1)), 502},
	} {
		w := do(newGateway(t, tmpl, test.invoker, gateway.Options{}), request("PUT", "/instances/create", test.body, test.headers...))
		var said struct{ Title, Detail, Message string }
		if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil || said.Title == "" || said.Detail == "" || said.Message != said.Detail {
			t.Errorf("%s: body %s, %v", test.name, w.Body, err)
		}
		if w.Code != test.status || w.Header().Get("Content-Type") != "application/problem+json" ||
			w.Header().Get("Access-Control-Allow-Origin") != "*" || w.Header().Get("X-Request-Id") != w.Header().Get("X-Amzn-RequestId") {
			t.Errorf("%s: answer %d with %v", test.name, w.Code, w.Header())
		}
		if strings.Contains(w.Body.String(), "exit status") {
			t.Errorf("%s: the client learns of it: %s", test.name, w.Body)
		}
	}
}

// Answers that no function gives carry the request ID in the same header as those
// of functions.
func TestRequestIDs(t *testing.T) {
	t.Parallel()
	tmpl, err := template.Load("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	g := newGateway(t, tmpl, says(`{"statusCode":200}`), gateway.Options{})
	for _, resource := range tmpl.API.Resources {
		for method, m := range resource.Methods {
			if m.Mock == nil {
				continue
			}
			if method == template.AnyMethod {
				method = "TRACE"
			}
			w := do(g, request(method, strings.NewReplacer("{", "", "}", "", "+", "").Replace(resource.Path), ""))
			if id := w.Header().Get("X-Request-Id"); w.Code != m.Mock.Status || id == "" || id != w.Header().Get("X-Amzn-RequestId") {
				t.Errorf("%s %s: answer %d with %v", method, resource.Path, w.Code, w.Header())
			}
		}
	}
	for kind, response := range tmpl.API.GatewayResponses {
		if response.Headers["X-Request-Id"] != template.RequestIDVariable {
			t.Errorf("%s has the headers %v", kind, response.Headers)
		}
		if !strings.HasSuffix(response.Body, `,"requestId":"$context.requestId"}`) {
			t.Errorf("%s has the body %s", kind, response.Body)
		}
	}
}

// Without gateway responses, the gateway uses API Gateway's own words.
func TestDefaultWords(t *testing.T) {
	t.Parallel()
	tmpl := load(t)
	tmpl.API.GatewayResponses = nil
	g := newGateway(t, tmpl, says("no"), gateway.Options{})
	expect(t, do(g, request("GET", "/things", "")), 502, `{"message":"Internal server error"}`)
	expect(t, do(g, request("GET", "/things/7/more", "")), 403, `{"message":"Missing Authentication Token"}`)
}

func TestNewErrors(t *testing.T) {
	t.Parallel()
	resource := func(path string) template.Resource {
		return template.Resource{Path: path, Methods: map[string]template.Method{"GET": {Mock: &template.Mock{Status: 200}}}}
	}
	for name, resources := range map[string][]template.Resource{
		"twice":               {resource("/a"), resource("/a")},
		"two variables":       {resource("/a/{x}"), resource("/a/{y}/b")},
		"variable and greedy": {resource("/a/{x}"), resource("/a/{x+}")},
		"no function":         {{Path: "/a", Methods: map[string]template.Method{"GET": {Function: "X"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := gateway.New(&template.Template{API: template.API{Resources: resources}}, says(""), gateway.Options{})
			if err == nil || !strings.Contains(err.Error(), "/a") {
				t.Errorf("error %v", err)
			}
		})
	}
}

// No request causes a panic or a 5xx of the gateway's own.
func FuzzRequests(f *testing.F) {
	g := newGateway(f, load(f), says(`{"statusCode":200}`), gateway.Options{})
	f.Add("/things/a%2Fb?x=%zz;y&=&&", "X-A", "b", []byte("\xff"))
	f.Add("//..//%", "Content-Type", "a/b;c", []byte(nil))
	f.Add("/files/?%", "Host", "[::", []byte("{}"))
	f.Fuzz(func(t *testing.T, target, name, value string, body []byte) {
		path, query, _ := strings.Cut(target, "?")
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", strings.NewReader(string(body)))
		r.URL.Path, r.URL.RawPath, r.URL.RawQuery = path, path, query
		r.Header[name] = []string{value}
		r.Host, r.RemoteAddr = value, value
		if w := do(g, r); w.Code >= 500 {
			t.Errorf("status %d: %s", w.Code, w.Body)
		}
	})
}
