package lambdahttp_test

import (
	"net/http"
	"strings"
	"testing"

	"instances/pkg/lambdahttp"
)

// Every event gets an answer that the gateway accepts.
func FuzzInvoke(f *testing.F) {
	for _, event := range []string{
		plain, `{}`, `null`, ``, `{"path":"/%zz?#//..","httpMethod":"G E T"}`,
		`{"path":"\ud800","httpMethod":"POST","body":"=","isBase64Encoded":true}`,
		`{"path":"/a","httpMethod":"POST","body":"AP9h","isBase64Encoded":true,"pathParameters":{"Id":"%FF","":"%"}}`,
		`{"path":"/a","httpMethod":"GET","multiValueHeaders":{"Host":["a\r\nb"],"x y":[""]},"multiValueQueryStringParameters":{"status":["201"],"":null}}`,
		`{"path":"/a","httpMethod":"GET","queryStringParameters":{"status":"panic"},"headers":{"a":"b"},"requestContext":{"requestId":"a\r\nb"}}`,
	} {
		f.Add([]byte(event))
	}
	function := lambdahttp.New(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("status") {
		case "201":
			w.WriteHeader(http.StatusCreated)
		case "panic":
			panic(r.URL)
		}
		w.Header()["Location"] = []string{r.URL.String(), r.RequestURI, r.PathValue("Id"), r.Host}
		for name, values := range r.Header {
			w.Header()["X-"+name] = values
		}
		// The status may allow no body.
		_, _ = w.Write([]byte(r.URL.Path + r.PathValue("Id")))
	}), lambdahttp.Options{})
	f.Fuzz(func(t *testing.T, event []byte) {
		out, err := function.Invoke(t.Context(), event)
		if err != nil {
			t.Fatal(err)
		}
		for name, values := range decode(t, out).MultiValueHeaders {
			if strings.ContainsAny(strings.Join(values, ""), "\r\n\x00") {
				t.Errorf("header %s: %q", name, values)
			}
		}
	})
}
