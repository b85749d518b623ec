package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"instances/pkg/gateway"
	"instances/pkg/template"
)

// captured is an event that API Gateway sent, or that AWS documents, and its
// request. What edge-optimized endpoints add is left out: ours is regional.
type captured struct {
	name, source    string
	stage, resource string
	// stageless means that the host is a custom domain.
	stageless bool
	// request is the request line and the headers as the client spells them.
	// Content-Length is added.
	request []string
	body    string

	// The expected event. Of several values, the last is the single one. Names
	// of headers are compared in canonical form, which AWS does not use. The
	// headers that every event has are checked separately.
	path, contextPath string
	parameters        map[string]string
	query, headers    map[string][]string
}

const (
	localstack = "https://github.com/localstack/localstack/blob/main/tests/aws/services/apigateway/test_apigateway_lambda.snapshot.json"
	proxied    = "/{proxy+}"
)

// localstackRequest is what the client of those tests sends.
func localstackRequest(line string) []string {
	return []string{
		line, "Host: abc.execute-api.us-east-1.amazonaws.com", "User-Agent: python-requests/testing",
		"Accept-Encoding: gzip, deflate", "Accept: */*", "Connection: keep-alive", "tEsT-HEADeR: aValUE", "authorization: random-value",
	}
}

func localstackHeaders() map[string][]string {
	return map[string][]string{
		"User-Agent": {"python-requests/testing"}, "Accept-Encoding": {"gzip, deflate"}, "Accept": {"*/*"},
		"tEsT-HEADeR": {"aValUE"}, "Authorization": {"random-value"},
	}
}

func allCaptured() []captured {
	return []captured{
		{
			name: "path", source: localstack, stage: "test", resource: proxied,
			request: localstackRequest("GET /test/test-path HTTP/1.1"),
			path:    "/test-path", contextPath: "/test/test-path", parameters: map[string]string{"proxy": "test-path"},
			headers: localstackHeaders(),
		},
		{
			name: "slash at the end", source: localstack, stage: "test", resource: proxied,
			request: localstackRequest("GET /test/test-path/ HTTP/1.1"),
			path:    "/test-path/", contextPath: "/test/test-path/", parameters: map[string]string{"proxy": "test-path"},
			headers: localstackHeaders(),
		},
		{
			name: "slash and query", source: localstack, stage: "test", resource: proxied,
			request: localstackRequest("GET /test/test-path/?urlparam=test HTTP/1.1"),
			path:    "/test-path/", contextPath: "/test/test-path/", parameters: map[string]string{"proxy": "test-path"},
			query: map[string][]string{"urlparam": {"test"}}, headers: localstackHeaders(),
		},
		{
			name: "encoded path", source: localstack, stage: "test", resource: proxied,
			request:     localstackRequest("GET /test/test-path/api/user/test%2Balias@gmail.com/plus/test+alias@gmail.com HTTP/1.1"),
			path:        "/test-path/api/user/test%2Balias@gmail.com/plus/test+alias@gmail.com",
			contextPath: "/test/test-path/api/user/test%2Balias@gmail.com/plus/test+alias@gmail.com",
			parameters:  map[string]string{"proxy": "test-path/api/user/test%2Balias@gmail.com/plus/test+alias@gmail.com"},
			headers:     localstackHeaders(),
		},
		{
			name: "encoded query", source: localstack, stage: "test", resource: proxied,
			request: localstackRequest("GET /test/test-path/api?dateTimeOffset=2023-06-12T18:05:10.123456+00:00&email=test%2Balias@gmail.com&" +
				"plus=test+alias@gmail.com&url=https://www.google.com/&whitespace=foo%20bar&zhash=abort/ HTTP/1.1"),
			path: "/test-path/api", contextPath: "/test/test-path/api", parameters: map[string]string{"proxy": "test-path/api"},
			query: map[string][]string{
				"dateTimeOffset": {"2023-06-12T18:05:10.123456 00:00"}, "email": {"test+alias@gmail.com"}, "plus": {"test alias@gmail.com"},
				"url": {"https://www.google.com/"}, "whitespace": {"foo bar"}, "zhash": {"abort/"},
			},
			headers: localstackHeaders(),
		},
		{
			name: "body, and parameters of many values", source: localstack, stage: "test", resource: proxied,
			request: []string{
				"POST /test/test-path?category=electronics&category=books&price=10&price=20&price=30 HTTP/1.1",
				"Host: abc.execute-api.us-east-1.amazonaws.com", "User-Agent: python-requests/testing", "Accept-Encoding: gzip, deflate",
				"Accept: */*", "Connection: keep-alive", "Content-Type: application/json;charset=utf-8", "aUThorization: Bearer token123;API key456",
			},
			body: `{"message": "hello world"}`,
			path: "/test-path", contextPath: "/test/test-path", parameters: map[string]string{"proxy": "test-path"},
			query: map[string][]string{"category": {"electronics", "books"}, "price": {"10", "20", "30"}},
			headers: map[string][]string{
				"User-Agent": {"python-requests/testing"}, "Accept-Encoding": {"gzip, deflate"}, "Accept": {"*/*"},
				"Content-Type": {"application/json;charset=utf-8"}, "Authorization": {"Bearer token123;API key456"},
			},
		},
		{
			name: "parameter", source: localstack, stage: "test", resource: "/{pathVariable}",
			request: []string{
				"POST /test/foobar?testVar=bar HTTP/1.1", "Host: abc.execute-api.us-east-1.amazonaws.com", "User-Agent: test/integration",
				"Accept: application/json", "Content-Type: application/json", "headerVar: request-value",
			},
			body: `{"message": "hello world"}`,
			path: "/foobar", contextPath: "/test/foobar", parameters: map[string]string{"pathVariable": "foobar"},
			query: map[string][]string{"testVar": {"bar"}},
			headers: map[string][]string{
				"User-Agent": {"test/integration"}, "Accept": {"application/json"}, "Content-Type": {"application/json"}, "headerVar": {"request-value"},
			},
		},
		{
			name:   "headers of many values, cookies, empty value and a body that is not ASCII",
			source: "https://github.com/hotsock/voker/blob/main/vokerhttp/testdata/apigwv1-request.json",
			stage:  "live", resource: proxied,
			request: []string{
				"POST /live/capture/space%20value?repeat=one&repeat=two&empty=&encodedPlus=a%2Bb&literalPlus=a+b&" +
					"redirect=https%3A%2F%2Fexample.com%2Fa%2Fb HTTP/1.1",
				"host: 5h7pqvr9u4.execute-api.us-west-2.amazonaws.com", "user-agent: curl/8.7.1", "accept: */*", "content-type: application/json",
				"cookie: session=abc123; theme=dark", "x-voker-probe: first", "x-voker-probe: second",
			},
			body: `{"message":"hello from the public internet","unicode":"lambda-λ"}`,
			path: "/capture/space%20value", contextPath: "/live/capture/space%20value",
			parameters: map[string]string{"proxy": "capture/space%20value"},
			query: map[string][]string{
				"repeat": {"one", "two"}, "empty": {""}, "encodedPlus": {"a+b"}, "literalPlus": {"a b"}, "redirect": {"https://example.com/a/b"},
			},
			headers: map[string][]string{
				"User-Agent": {"curl/8.7.1"}, "accept": {"*/*"}, "content-type": {"application/json"},
				"cookie": {"session=abc123; theme=dark"}, "x-voker-probe": {"first", "second"},
			},
		},
		{
			name: "plus in a query", source: "https://github.com/aws/aws-cdk/issues/19827",
			stage: "live", resource: "/applications/announced",
			request: []string{"GET /live/applications/announced?sort=-+createdAt HTTP/1.1", "Host: example.com"},
			path:    "/applications/announced", contextPath: "/live/applications/announced",
			query: map[string][]string{"sort": {"- createdAt"}},
		},
		{
			name: "encoded plus in a query", source: "https://github.com/micronaut-projects/micronaut-aws/pull/1412",
			stage: "test", resource: "/mypath",
			request: []string{"GET /test/mypath?testparam=aa%2Bbb HTTP/1.1", "Host: example.com"},
			path:    "/mypath", contextPath: "/test/mypath",
			query: map[string][]string{"testparam": {"aa+bb"}},
		},
		{
			name: "encoded parameter", source: "https://github.com/serverless/serverless/issues/5037",
			stage: "live", resource: "/posts/{id}",
			request: []string{"GET /live/posts/%40 HTTP/1.1", "Host: example.com"},
			path:    "/posts/%40", contextPath: "/live/posts/%40", parameters: map[string]string{"id": "%40"},
		},
		{
			name: "domain of one's own", source: "https://github.com/aws/aws-lambda-go/blob/v1.55.1/events/testdata/apigw-request.json",
			stage: "testStage", resource: proxied, stageless: true,
			request: []string{
				"POST /hello/world?name=me HTTP/1.1", "Host: gy415nuibc.execute-api.us-east-1.amazonaws.com", "Accept: */*",
				"Accept-Encoding: gzip, deflate", "cache-control: no-cache", "Content-Type: application/json", "headerName: headerValue",
				"Postman-Token: 9f583ef0-ed83-4a38-aef3-eb9ce3f7a57f", "User-Agent: PostmanRuntime/2.4.5",
			},
			body: "{\r\n\t\"a\": 1\r\n}",
			path: "/hello/world", contextPath: "/hello/world", parameters: map[string]string{"proxy": "hello/world"},
			query: map[string][]string{"name": {"me"}},
			headers: map[string][]string{
				"Accept": {"*/*"}, "Accept-Encoding": {"gzip, deflate"}, "cache-control": {"no-cache"}, "Content-Type": {"application/json"},
				"headerName": {"headerValue"}, "Postman-Token": {"9f583ef0-ed83-4a38-aef3-eb9ce3f7a57f"}, "User-Agent": {"PostmanRuntime/2.4.5"},
			},
		},
	}
}

// An event equals what API Gateway sent for the same request. Values that only AWS
// can know have the form of AWS's.
func TestCapturedEvents(t *testing.T) {
	t.Parallel()
	for _, test := range allCaptured() {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := test.send(t)
			headers := map[string][]string{}
			for name, values := range test.headers {
				headers[http.CanonicalHeaderKey(name)] = values
			}
			host := test.hostHeader()
			headers["Host"] = []string{host}
			headers["X-Forwarded-Port"], headers["X-Forwarded-Proto"] = []string{"443"}, []string{"https"}
			for name, form := range map[string]string{
				"X-Forwarded-For": `^127\.0\.0\.1$`, "X-Amzn-Trace-Id": `^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$`,
			} {
				checkForm(t, "headers."+name, got.at(t, "headers", name), form)
				headers[name] = []string{got.at(t, "headers", name).(string)}
			}
			method, _, _ := strings.Cut(test.request[0], " ")
			prefix, _, _ := strings.Cut(host, ".")
			want := object{
				"resource": test.resource, "path": test.path, "httpMethod": method, "isBase64Encoded": false, "stageVariables": nil,
				"headers": last(headers), "multiValueHeaders": headers, "body": nil,
				"queryStringParameters": nil, "multiValueQueryStringParameters": nil, "pathParameters": nil,
				"requestContext": object{
					"resourcePath": test.resource, "httpMethod": method, "path": test.contextPath, "protocol": "HTTP/1.1",
					"stage": test.stage, "domainName": host, "domainPrefix": prefix,
					"identity": object{
						"cognitoIdentityPoolId": nil, "accountId": nil, "cognitoIdentityId": nil, "caller": nil, "principalOrgId": nil,
						"accessKey": nil, "cognitoAuthenticationType": nil, "cognitoAuthenticationProvider": nil, "userArn": nil, "user": nil,
						"userAgent": nil, "sourceIp": "127.0.0.1",
					},
				},
			}
			context := want["requestContext"].(object)
			for name, form := range map[string]string{
				"accountId": `^\d{12}$`, "apiId": `^[a-z0-9]+$`, "deploymentId": `^[a-z0-9]+$`, "resourceId": `^[a-z0-9]{6}$`,
				"requestId":         `^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`,
				"extendedRequestId": `^[A-Za-z0-9_-]{15}=$`,
				"requestTime":       `^\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000$`,
			} {
				context[name] = got.at(t, "requestContext", name)
				checkForm(t, "requestContext."+name, context[name], form)
			}
			epoch, _ := got.at(t, "requestContext", "requestTimeEpoch").(float64)
			if at := time.UnixMilli(int64(epoch)); time.Since(at).Abs() > time.Hour ||
				at.UTC().Format("02/Jan/2006:15:04:05 +0000") != context["requestTime"] {
				t.Errorf("the epoch %v is not the time %v", epoch, context["requestTime"])
			}
			context["requestTimeEpoch"] = epoch
			if agent, ok := headers["User-Agent"]; ok {
				context["identity"].(object)["userAgent"] = agent[0]
			}
			if test.body != "" {
				want["body"] = test.body
			}
			if test.query != nil {
				want["queryStringParameters"], want["multiValueQueryStringParameters"] = last(test.query), test.query
			}
			if test.parameters != nil {
				want["pathParameters"] = test.parameters
			}
			compare(t, "", got, want.normal(t))
		})
	}
}

// object is a JSON object.
type object map[string]any

// normal returns o as JSON decoding would.
func (o object) normal(t *testing.T) object {
	t.Helper()
	data, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var n object
	if err := json.Unmarshal(data, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func (o object) at(t *testing.T, path ...string) any {
	t.Helper()
	var v any = map[string]any(o)
	for _, name := range path {
		inner, ok := v.(map[string]any)
		if !ok || inner[name] == nil {
			t.Fatalf("the event has no %s", strings.Join(path, "."))
		}
		v = inner[name]
	}
	return v
}

// compare reports each member that differs.
func compare(t *testing.T, at string, got, want map[string]any) {
	t.Helper()
	names := slices.Collect(maps.Keys(want))
	for name := range got {
		if _, ok := want[name]; !ok {
			names = append(names, name)
		}
	}
	for _, name := range names {
		a, inGot := got[name]
		b, inWant := want[name]
		inner, isObject := a.(map[string]any)
		other, areObjects := b.(map[string]any)
		switch {
		case inGot != inWant:
			t.Errorf("%s%s: there %t, want %t", at, name, inGot, inWant)
		case isObject && areObjects:
			compare(t, at+name+".", inner, other)
		case !reflect.DeepEqual(a, b):
			t.Errorf("%s%s is %q, want %q", at, name, a, b)
		}
	}
}

func checkForm(t *testing.T, name string, value any, form string) {
	t.Helper()
	if text, ok := value.(string); !ok || !regexp.MustCompile(form).MatchString(text) {
		t.Errorf("%s is %v, want the form %s", name, value, form)
	}
}

func last(all map[string][]string) map[string]string {
	single := map[string]string{}
	for name, values := range all {
		single[name] = values[len(values)-1]
	}
	return single
}

// hostHeader returns the Host that the client sends.
func (x captured) hostHeader() string {
	_, host, _ := strings.Cut(x.request[1], ": ")
	return host
}

// send sends the request to a gateway and returns the event.
func (x captured) send(t *testing.T) object {
	t.Helper()
	tmpl := &template.Template{
		API: template.API{Stage: x.stage, Resources: []template.Resource{
			{Path: x.resource, Methods: map[string]template.Method{template.AnyMethod: {Function: "F"}}},
		}},
		Functions: []template.Function{{LogicalID: "F", Name: "f", Timeout: time.Minute}},
	}
	events := make(chan []byte, 1)
	g := newGateway(t, tmpl, invoker(func(_ context.Context, _ string, event []byte) ([]byte, error) {
		events <- event
		return []byte(`{"statusCode":200}`), nil
	}), gateway.Options{StageInPath: !x.stageless})
	conn := dial(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.TLS = &tls.ConnectionState{}
		g.ServeHTTP(w, r)
	}))
	head := slices.Clone(x.request)
	if x.body != "" {
		head = append(head, "Content-Length: "+strconv.Itoa(len(x.body)))
	}
	if status := conn.ask(t, strings.Join(head, "\r\n")+"\r\n\r\n"+x.body); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	var e object
	if err := json.Unmarshal(<-events, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

// client is a connection to a server.
type client struct {
	net.Conn
	in *bufio.Reader
}

func dial(t *testing.T, h http.Handler) *client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return dialTo(t, s)
}

func dialTo(t *testing.T, s *httptest.Server) *client {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &client{c, bufio.NewReader(c)}
}

// ask sends bytes and returns the status of the answer.
func (c *client) ask(t *testing.T, request string) int {
	t.Helper()
	if _, err := io.Copy(c, bytes.NewReader([]byte(request))); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(c.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode
}
