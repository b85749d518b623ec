package lambdahttp_test

import (
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"instances/pkg/httpjson"
	"instances/pkg/lambdahttp"
)

func TestPathValues(t *testing.T) {
	t.Parallel()
	for sent, want := range map[string]string{
		"11104":          "11104",
		"a b":            "a b",
		"a%20b":          "a b",
		"a+b":            "a+b",
		"a%2Fb%3Fc%23d":  "a/b?c#d",
		"%2525":          "%25",  // decoded once
		"100%":           "100%", // a bad escape comes as it is
		"%zz":            "%zz",
		"%FF":            "\xff",
		"..":             "..",
		"caf%C3%A9":      "café",
		"\u00e9":         "é",
		"%E2%82":         "\xe2\x82",
		"a%00b":          "a\x00b",
		"":               "",
		"%2e%2e%2fsecre": "../secre",
	} {
		r := capture(t, `{"path":"/x/1","httpMethod":"GET","pathParameters":{"Id":"`+sent+`"}}`)
		if got := r.PathValue("Id"); got != want {
			t.Errorf("%q: path value %q, want %q", sent, got, want)
		}
	}
}

// Every path reaches the handler unchanged.
func TestPath(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ sent, path, uri string }{
		{"/x/1", "/x/1", "/x/1"},
		{"/x/", "/x/", "/x/"},
		{"x", "/x", "/x"},
		{"/a%20b", "/a b", "/a%20b"},
		{"/a b", "/a b", "/a%20b"},
		{"/a%2Fb", "/a/b", "/a%2Fb"},
		{"/a%", "/a%", "/a%25"},
		{"/a%zz?b", "/a%zz?b", "/a%25zz%3Fb"},
		{"/a?b=c", "/a?b=c", "/a%3Fb=c"},
		{"/a#b", "/a#b", "/a%23b"},
		{"//evil.example/a", "//evil.example/a", "//evil.example/a"},
		{"/../../a", "/../../a", "/../../a"},
		{"/%ff", "/\xff", "/%ff"},
		{"/\u00e9", "/é", "/%C3%A9"},
		{"/:1:2", "/:1:2", "/:1:2"},
	} {
		r := capture(t, `{"path":"`+test.sent+`","httpMethod":"GET"}`)
		if r.URL.Path != test.path || r.RequestURI != test.uri || r.URL.Host != "" || r.URL.RawQuery != "" {
			t.Errorf("%q: path %q, URI %q, URL %#v", test.sent, r.URL.Path, r.RequestURI, r.URL)
		}
	}
}

func TestQuery(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ event, want string }{
		"none":      {`"multiValueQueryStringParameters":null`, ""},
		"multi":     {`"queryStringParameters":{"a":"2"},"multiValueQueryStringParameters":{"b":["3"],"a":["2","1","2"]}`, "a=2&a=1&a=2&b=3"},
		"single":    {`"queryStringParameters":{"a":"1"},"multiValueQueryStringParameters":null`, "a=1"},
		"empty map": {`"queryStringParameters":{"a":"1"},"multiValueQueryStringParameters":{}`, "a=1"},
		"decoded":   {`"multiValueQueryStringParameters":{"a b":["1&c=2","%41","x+y","#","é"]}`, "a+b=1%26c%3D2&a+b=%2541&a+b=x%2By&a+b=%23&a+b=%C3%A9"},
		"no value":  {`"multiValueQueryStringParameters":{"a":[""],"b":null,"c":[]}`, "a=&b=&c="},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := capture(t, `{"path":"/x","httpMethod":"GET",`+test.event+`}`)
			if r.URL.RawQuery != test.want {
				t.Errorf("query %q, want %q", r.URL.RawQuery, test.want)
			}
			if _, query, _ := strings.Cut(r.RequestURI, "?"); query != test.want {
				t.Errorf("URI %q", r.RequestURI)
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		event string
		want  http.Header
	}{
		"values are not cut at commas": {
			`"multiValueHeaders":{"If-Match":["\"a\", \"b\"","\"c\""],"User-Agent":["x (y, z)"]},"headers":{"If-Match":"\"c\""}`,
			http.Header{"If-Match": {`"a", "b"`, `"c"`}, "User-Agent": {"x (y, z)"}},
		},
		"single values":  {`"headers":{"accept":"a, b"},"multiValueHeaders":null`, http.Header{"Accept": {"a, b"}}},
		"empty map":      {`"headers":{"accept":"a"},"multiValueHeaders":{}`, http.Header{"Accept": {"a"}}},
		"no headers":     {`"headers":null,"multiValueHeaders":null`, http.Header{}},
		"names by case":  {`"multiValueHeaders":{"x-a":["1"],"X-A":["2"],"X-a":["3"]}`, http.Header{"X-A": {"1", "2", "3"}}},
		"without values": {`"multiValueHeaders":{"X-A":null,"X-B":[]}`, http.Header{}},
		"forged context": {
			`"multiValueHeaders":{"X-GoLambdaProxy-ApiGw-Context":["{}"],"x-golambdaproxy-apigw-stagevars":["{}"],"X-GoLambdaProxy-":["{}"],"X-GoLambda":["x"]}`,
			http.Header{"X-Golambda": {"x"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := capture(t, `{"path":"/x","httpMethod":"GET",`+test.event+`}`)
			if !reflect.DeepEqual(r.Header, test.want) {
				t.Errorf("headers %v, want %v", r.Header, test.want)
			}
		})
	}
}

func TestRequest(t *testing.T) {
	t.Parallel()
	r := capture(t, `{"path":"/x","httpMethod":"PATCH","headers":{"Host":"api.example.org"},
		"requestContext":{"requestId":"req-1","path":"/prod/x%20y","domainName":"d.example.org","identity":{"sourceIp":"192.0.2.7"}}}`)
	if r.Method != http.MethodPatch || r.Host != "api.example.org" || r.RemoteAddr != "192.0.2.7" {
		t.Errorf("%s %s from %s", r.Method, r.Host, r.RemoteAddr)
	}
	if _, ok := r.Header["Host"]; ok {
		t.Error("Host is among the headers")
	}
	if got, want := httpjson.CallFrom(r.Context()), (httpjson.Call{RequestID: "req-1", Path: "/prod/x%20y"}); got != want {
		t.Errorf("call %+v, want %+v", got, want)
	}

	r = capture(t, `{"path":"/x","httpMethod":"GET","requestContext":{"domainName":"d.example.org"}}`)
	if r.Host != "d.example.org" {
		t.Errorf("host %q", r.Host)
	}
}

// The adapter would take the host from this variable, and fail if it is invalid.
func TestHostVariable(t *testing.T) {
	for _, value := range []string{"https://elsewhere.example", "%zz", ""} {
		t.Setenv("GO_API_HOST", value)
		r := capture(t, `{"path":"/x","httpMethod":"GET","requestContext":{"domainName":"d.example.org"}}`)
		if r.Host != "d.example.org" || r.URL.Host != "" {
			t.Errorf("%q: host %q, URL %v", value, r.Host, r.URL)
		}
	}
}

func TestRequestBody(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ event, want string }{
		"none":   {`"body":null`, ""},
		"text":   {`"body":"{\"a\":\"é\"}"`, `{"a":"é"}`},
		"base64": {`"body":"AP9h","isBase64Encoded":true`, "\x00\xffa"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil || string(body) != test.want || r.ContentLength != int64(len(test.want)) {
					t.Errorf("body %q of length %d, %v; want %q", body, r.ContentLength, err, test.want)
				}
			})
			invoke(t, h, lambdahttp.Options{}, `{"path":"/x","httpMethod":"POST",`+test.event+`}`)
		})
	}

	t.Run("broken base64", func(t *testing.T) {
		t.Parallel()
		h := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("handler was called") })
		r := invoke(t, h, lambdahttp.Options{}, `{"path":"/x","httpMethod":"POST","body":"=","isBase64Encoded":true,"requestContext":{"requestId":"req-1"}}`)
		wantProblem(t, r, http.StatusBadRequest)
		if got := http.Header(r.MultiValueHeaders).Get("X-Request-Id"); got != "req-1" {
			t.Errorf("X-Request-Id %q", got)
		}
	})
}

func TestNoEvent(t *testing.T) {
	t.Parallel()
	for name, event := range map[string]string{
		"nothing":       ``,
		"empty object":  `{}`,
		"null":          `null`,
		"text":          `"x"`,
		"no JSON":       `{"path":`,
		"two values":    plain + plain,
		"payload 2.0":   `{"version":"2.0","rawPath":"/x","requestContext":{"http":{"method":"GET"}}}`,
		"no path":       `{"httpMethod":"GET"}`,
		"type of path":  `{"httpMethod":"GET","path":1}`,
		"multi headers": `{"httpMethod":"GET","path":"/x","multiValueHeaders":{"a":[1]}}`,
		"headers":       `{"httpMethod":"GET","path":"/x","headers":{"a":{"b":"c"}}}`,
		"query":         `{"httpMethod":"GET","path":"/x","queryStringParameters":[]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("handler was called") })
			r := invoke(t, h, lambdahttp.Options{}, event)
			wantProblem(t, r, http.StatusInternalServerError)
			if !strings.Contains(r.Body, "not a request of an API Gateway REST API") {
				t.Errorf("body %s", r.Body)
			}
		})
	}
}
