package gateway_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"instances/pkg/gateway"
)

// eventOf returns the event for a request, as JSON.
func eventOf(t *testing.T, r *http.Request, o gateway.Options) []byte {
	t.Helper()
	var event []byte
	g := newGateway(t, load(t), invoker(func(_ context.Context, _ string, e []byte) ([]byte, error) {
		event = e
		return []byte(`{"statusCode":200}`), nil
	}), o)
	if w := do(g, r); w.Code != 200 || event == nil {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return event
}

func decodeEvent(t *testing.T, data []byte) events.APIGatewayProxyRequest {
	t.Helper()
	var e events.APIGatewayProxyRequest
	if err := json.Unmarshal(data, &e); err != nil {
		t.Fatal(err)
	}
	return e
}

var random = regexp.MustCompile(`"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"|` +
	`"[A-Za-z0-9_-]{15}="|"Root=1-[0-9a-f]{8}-[0-9a-f]{24}"`)

// The event equals the one in AWS's documentation of the payload format for REST
// APIs, as regional endpoints send it.
func TestEventGolden(t *testing.T) {
	t.Parallel()
	r := request("POST", "https://abc.example.com/live/files/hello/world%21?name=me&multivalueName=you&multivalueName=me", "{\r\n\t\"a\": 1\r\n}",
		"Content-Type", "application/json", "headerName", "headerValue", "User-Agent", "PostmanRuntime/2.4.5",
		"Accept", "*/*", "X-Multi", "one", "X-Multi", "two", "X-Forwarded-For", "198.51.100.7")
	r.TLS = &tls.ConnectionState{}
	r.RemoteAddr = "192.0.2.1:1234"
	now := func() time.Time { return time.Date(2020, 5, 15, 8, 1, 9, 693e6, time.FixedZone("", 7200)) }
	var got bytes.Buffer
	event := random.ReplaceAllFunc(eventOf(t, r, gateway.Options{Now: now, StageInPath: true}), func(b []byte) []byte {
		if bytes.HasPrefix(b, []byte(`"Root`)) {
			return []byte(`"TRACE"`)
		}
		return []byte(`"ID"`)
	})
	if err := json.Indent(&got, event, "", "  "); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/event.json")
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(got.String()) != strings.TrimSpace(string(want)) {
		t.Errorf("event\n%s\nwant\n%s", got.String(), want)
	}
}

// Absent values are null, as on AWS.
func TestEventNulls(t *testing.T) {
	t.Parallel()
	var e map[string]any
	if err := json.Unmarshal(eventOf(t, request("GET", "/things?&;", ""), gateway.Options{}), &e); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "stageVariables", "body",
	} {
		if v, ok := e[name]; !ok || v != nil {
			t.Errorf("%s is %v, there: %t; want null", name, v, ok)
		}
	}
	identity := e["requestContext"].(map[string]any)["identity"].(map[string]any)
	if v, ok := identity["userAgent"]; !ok || v != nil {
		t.Errorf("userAgent is %v, there: %t; want null", v, ok)
	}
}

func TestEventQuery(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		query string
		want  map[string][]string
	}{
		{"a=1", map[string][]string{"a": {"1"}}},
		{"a=1&b=2&a=3", map[string][]string{"a": {"1", "3"}, "b": {"2"}}},
		{"a", map[string][]string{"a": {""}}},
		{"=1", map[string][]string{"": {"1"}}},
		{"a=b=c", map[string][]string{"a": {"b=c"}}},
		{"a=b+c%20d%2B%C3%A4", map[string][]string{"a": {"b c d+ä"}}},
		{"a%3D=1", map[string][]string{"a=": {"1"}}},
		{"a=1;b=2", map[string][]string{"a": {"1"}, "b": {"2"}}},
		{"a=%FF", map[string][]string{"a": {"\uFFFD"}}},
		{"a=1&A=2", map[string][]string{"a": {"1"}, "A": {"2"}}},
	} {
		t.Run(test.query, func(t *testing.T) {
			t.Parallel()
			r := request("GET", "/things", "")
			r.URL.RawQuery = test.query
			e := decodeEvent(t, eventOf(t, r, gateway.Options{}))
			if !reflect.DeepEqual(e.MultiValueQueryStringParameters, test.want) {
				t.Errorf("parameters %q, want %q", e.MultiValueQueryStringParameters, test.want)
			}
			for name, values := range test.want {
				if got := e.QueryStringParameters[name]; got != values[len(values)-1] {
					t.Errorf("parameter %q is %q, want the last of %q", name, got, values)
				}
			}
		})
	}
}

// API Gateway drops these headers.
func TestEventDroppedHeaders(t *testing.T) {
	t.Parallel()
	dropped := []string{
		"Connection", "Content-Length", "Content-MD5", "Expect", "Max-Forwards", "Proxy-Authenticate", "Server", "TE", "Trailer", "Upgrade", "WWW-Authenticate",
	}
	r := request("GET", "/things", "", "If-Match", "*", "Authorization", "x", "Cookie", "c", "X-Amzn-Trace-Id", "t")
	for _, name := range dropped {
		r.Header.Set(name, "x")
	}
	e := decodeEvent(t, eventOf(t, r, gateway.Options{}))
	for _, name := range dropped {
		name = http.CanonicalHeaderKey(name)
		if _, ok := e.Headers[name]; ok {
			t.Errorf("%s is in the headers", name)
		}
		if _, ok := e.MultiValueHeaders[name]; ok {
			t.Errorf("%s is in the headers of many values", name)
		}
	}
	for _, name := range []string{"If-Match", "Authorization", "Cookie", "X-Amzn-Trace-Id"} {
		if e.Headers[name] != r.Header.Get(name) {
			t.Errorf("%s is %q", name, e.Headers[name])
		}
	}
}

func TestEventBody(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ sent, want string }{
		{"plain", "plain"},
		{`{"a":"<&>ä\u2028"}`, `{"a":"<&>ä\u2028"}`},
		{"\x00\x01", "\x00\x01"},
		{"a\xffb\xc3", "a\uFFFDb\uFFFD"},
	} {
		e := decodeEvent(t, eventOf(t, request("GET", "/things", test.sent), gateway.Options{}))
		if e.Body != test.want || e.IsBase64Encoded {
			t.Errorf("body %q, Base64 %t; want %q", e.Body, e.IsBase64Encoded, test.want)
		}
	}
}

func TestEventHosts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ host, domain, prefix, port string }{
		{"127.0.0.1:3000", "127.0.0.1", "127", "3000"},
		{"api.example.com", "api.example.com", "api", "80"},
		{"[::1]:3000", "::1", "::1", "3000"},
	} {
		r := request("GET", "/things", "")
		r.Host = test.host
		e := decodeEvent(t, eventOf(t, r, gateway.Options{}))
		if c := e.RequestContext; c.DomainName != test.domain || c.DomainPrefix != test.prefix ||
			e.Headers["X-Forwarded-Port"] != test.port || e.Headers["Host"] != test.host {
			t.Errorf("host %q: domain %q, prefix %q, headers %v", test.host, c.DomainName, c.DomainPrefix, e.Headers)
		}
	}
}
