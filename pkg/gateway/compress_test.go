package gateway_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"instances/pkg/gateway"
	"instances/pkg/template"
)

// compressing returns a template with that minimum compression size.
func compressing(t testing.TB, from int) *template.Template {
	t.Helper()
	tmpl := load(t)
	tmpl.API.CompressFrom = from
	return tmpl
}

func compressed(t testing.TB, coding, text string) string {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&b)
	if coding == "deflate" {
		w = zlib.NewWriter(&b)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func decompressed(t testing.TB, coding, body string) string {
	t.Helper()
	var r io.Reader = strings.NewReader(body)
	var err error
	switch coding {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "deflate":
		r, err = zlib.NewReader(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// An answer is compressed if the client asks for it, as AWS documents:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-receive-response-with-compressed-payload.html
func TestCompression(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		accept string
		size   int
		header string
		want   string
	}{
		{"gzip", 100, "", "gzip"},
		{"gzip", 99, "", ""},
		{"deflate", 100, "", "deflate"},
		{"deflate,gzip", 100, "", "deflate"},
		{"deflate;q=0.5,gzip;q=1.0", 100, "", "gzip"},
		{"gzip;q=1.0, identity; q=0.5, *;q=0", 100, "", "gzip"},
		{"GZip", 100, "", "gzip"},
		{"br, gzip", 100, "", ""},
		{"br;q=0.9, gzip", 100, "", "gzip"},
		{"gzip;q=0", 100, "", ""},
		{"gzip;q=x", 100, "", ""},
		{"identity", 100, "", ""},
		{"*", 100, "", ""},
		{"", 100, "", ""},
		{"gzip", 100, `"content-encoding":"br",`, "br"},
	} {
		body := strings.Repeat("a", test.size)
		answer := fmt.Sprintf(`{"statusCode":200,"headers":{%s"ETag":"\"1\""},"body":%q}`, test.header, body)
		g := newGateway(t, compressing(t, 100), says(answer), gateway.Options{})
		r := request("GET", "/things", "")
		if test.accept != "" {
			r.Header.Set("Accept-Encoding", test.accept)
		}
		w := do(g, r)
		if got := w.Header().Get("Content-Encoding"); got != test.want {
			t.Errorf("%q, %d bytes: coding %q, want %q", test.accept, test.size, got, test.want)
			continue
		}
		if got := decompressed(t, test.want, w.Body.String()); got != body {
			t.Errorf("%q: body %q", test.accept, got)
		}
		if got := w.Header().Get("ETag"); got != `"1"` {
			t.Errorf("%q: ETag %s", test.accept, got)
		}
	}
	// An API that does not compress, and the words of a refusal.
	for _, tmpl := range []*template.Template{compressing(t, 0), compressing(t, 1)} {
		answer := says(`{"statusCode":200,"body":"a"}`)
		if tmpl.API.CompressFrom == 1 {
			answer = says("no answer")
		}
		w := do(newGateway(t, tmpl, answer, gateway.Options{}), request("GET", "/things", "", "Accept-Encoding", "gzip"))
		if got := w.Header().Get("Content-Encoding"); got != "" {
			t.Errorf("status %d has the coding %q", w.Code, got)
		}
	}
	// A mock is an integration as well.
	w := do(newGateway(t, compressing(t, 1), says(""), gateway.Options{}), request("GET", "/", "", "Accept-Encoding", "gzip"))
	if got := decompressed(t, w.Header().Get("Content-Encoding"), w.Body.String()); w.Code != 404 || got != "mock 404" ||
		w.Header().Get("Content-Encoding") != "gzip" {
		t.Errorf("a mock answers %d %q with %v", w.Code, got, w.Header())
	}
}

// The body of a request is decompressed before the function gets it:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-make-request-with-compressed-payload.html
func TestDecompression(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ä", 1000)
	for _, test := range []struct {
		name, coding, body string
		status             int
		want               string
	}{
		{"none", "", long, 200, long},
		{"identity", "identity", long, 200, long},
		{"gzip", "gzip", compressed(t, "gzip", long), 200, long},
		{"deflate", "Deflate", compressed(t, "deflate", long), 200, long},
		{"no body", "gzip", "", 200, ""},
		{"small", "gzip", "12345", 200, "12345"},
		{"unknown", "br", long, 406, ""},
		{"not what it says", "gzip", long, 406, ""},
		{"deflate that is not", "deflate", long, 406, ""},
		{"broken off", "gzip", compressed(t, "gzip", long)[:20], 406, ""},
	} {
		var event []byte
		g := newGateway(t, compressing(t, 10), invoker(func(_ context.Context, _ string, e []byte) ([]byte, error) {
			event = e
			return []byte(`{"statusCode":200}`), nil
		}), gateway.Options{})
		r := request("POST", "/files/x", test.body)
		if test.coding != "" {
			r.Header.Set("Content-Encoding", test.coding)
		}
		w := do(g, r)
		if w.Code != test.status {
			t.Errorf("%s: status %d, want %d", test.name, w.Code, test.status)
		}
		if w.Code != http.StatusOK {
			continue
		}
		var e struct {
			Body    string
			Headers map[string]string
		}
		if err := json.Unmarshal(event, &e); err != nil {
			t.Fatal(err)
		}
		if e.Body != test.want || e.Headers["Content-Encoding"] != test.coding {
			t.Errorf("%s: body %q, headers %v", test.name, e.Body, e.Headers)
		}
	} // Where the answer streams, the body is not passed on, but its coding counts.
	g := newGateway(t, compressing(t, 10), invoker(func(context.Context, string, []byte) ([]byte, error) {
		return nil, nil
	}), gateway.Options{})
	if w := do(g, request("GET", "/stream", long, "Content-Encoding", "br")); w.Code != 406 {
		t.Errorf("a stream: status %d", w.Code)
	}
}
