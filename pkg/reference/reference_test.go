package reference_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"instances/pkg/app/function"
	"instances/pkg/compute"
	"instances/pkg/execution"
	"instances/pkg/gateway"
	"instances/pkg/lambdahttp"
	"instances/pkg/reference"
	"instances/pkg/template"
	"instances/pkg/topology"
)

// invoker invokes the reference. There are no other functions.
type invoker func(context.Context, []byte) ([]byte, error)

func (f invoker) Invoke(ctx context.Context, _ string, event []byte) ([]byte, error) {
	return f(ctx, event)
}

func (invoker) Stream(context.Context, string, []byte) (io.ReadCloser, error) {
	return nil, errors.New("it does not stream")
}

// served is the reference behind the gateway, below the name of the stage.
type served struct{ http.Handler }

func serve(t *testing.T) served {
	t.Helper()
	tmpl, err := template.Load(filepath.Join("..", "..", "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	f := lambdahttp.New(reference.Handler(), lambdahttp.Options{Header: function.Header("*")})
	api, err := gateway.New(tmpl, invoker(f.Invoke), gateway.Options{StageInPath: true})
	if err != nil {
		t.Fatal(err)
	}
	return served{api}
}

// ask sends a request with headers, which are names and values.
func (s served) ask(t *testing.T, method, target string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// documents returns what is served, as it was written.
func documents() map[string]string {
	return map[string]string{
		"/live/openapi/topology.json": topology.OpenAPI(), "/live/openapi/compute.json": compute.OpenAPI(),
		"/live/openapi/execution.json": execution.OpenAPI(),
	}
}

// keys returns the keys of an object of JSON in their order.
func keys(t *testing.T, object []byte) []string {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(object)))
	var found []string
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, key.(string))
		if err := d.Decode(new(json.RawMessage)); err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// The documents say in JSON what was written in YAML, in the same order.
func TestDocuments(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for target, written := range documents() {
		r := s.ask(t, http.MethodGet, target)
		var got any
		if err := json.Unmarshal(r.Body.Bytes(), &got); err != nil || r.Code != http.StatusOK || r.Header().Get("Content-Type") != "application/json" {
			t.Fatalf("%s: %d %v, %v", target, r.Code, r.Header(), err)
		}
		if want := decodeYAML(t, written); !reflect.DeepEqual(got, want) {
			t.Errorf("%s is\n%v, not\n%v", target, got, want)
		}
		var n yaml.Node
		if err := yaml.Unmarshal([]byte(written), &n); err != nil {
			t.Fatal(err)
		}
		var order []string
		for key := range slices.Chunk(n.Content[0].Content, 2) {
			order = append(order, key[0].Value)
		}
		if got := keys(t, r.Body.Bytes()); !slices.Equal(got, order) {
			t.Errorf("%s has the keys %q, not %q", target, got, order)
		}
	}
}

// decodeYAML decodes a document as if it had been JSON, with keys as text.
func decodeYAML(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	var plain func(v any) any
	plain = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			for key, value := range v {
				v[key] = plain(value)
			}
		case []any:
			for i, value := range v {
				v[i] = plain(value)
			}
		case int:
			return float64(v)
		}
		return v
	}
	return plain(v)
}

// The page refers to what is there, with relative addresses, and nothing of it
// is a script or a style that the policy would refuse.
func TestPage(t *testing.T) {
	t.Parallel()
	s := serve(t)
	r := s.ask(t, http.MethodGet, "/live/docs")
	page := r.Body.String()
	if r.Code != http.StatusOK || r.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("the page is answered %d %v", r.Code, r.Header())
	}
	if regexp.MustCompile(`<style|style=|<script[^>]*>[^<]| on[a-z]+=`).MatchString(page) {
		t.Errorf("the page has something inline:\n%s", page)
	}
	base := &url.URL{Path: "/live/docs"}
	links := regexp.MustCompile(`(?:href|src)="([^"]*)"`).FindAllStringSubmatch(page, -1)
	if len(links) < 5 {
		t.Fatalf("the page is\n%s", page)
	}
	kinds := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
	for _, link := range links {
		if strings.HasPrefix(link[1], "data:") {
			continue
		}
		target, err := base.Parse(link[1])
		if err != nil || strings.HasPrefix(link[1], "/") || target.Host != "" {
			t.Errorf("%s is not relative: %v", link[1], err)
			continue
		}
		r := s.ask(t, http.MethodGet, target.String())
		if r.Code != http.StatusOK || r.Body.String() == "" || r.Header().Get("Content-Type") != kinds[filepath.Ext(target.Path)] ||
			r.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("%s is answered %d %v", target, r.Code, r.Header())
		}
		// With another version in the address it may change.
		if r := s.ask(t, http.MethodGet, target.Path+"?v=old"); r.Code != http.StatusOK || r.Header().Get("Cache-Control") != "no-cache" {
			t.Errorf("%s of another version is answered %d %v", target.Path, r.Code, r.Header())
		}
		// The version is that of these files only.
		for _, other := range []string{"/live/docs", "/live/openapi/topology.json"} {
			if r := s.ask(t, http.MethodGet, other+"?"+target.RawQuery); r.Header().Get("Cache-Control") != "no-cache" {
				t.Errorf("%s with the version is answered %v", other, r.Header())
			}
		}
	}
}

// Every answer has the headers that protect the page, other origins may read it,
// HEAD and conditional requests work, and clients get it compressed.
func TestManners(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for _, target := range []string{"/live/docs", "/live/docs/page.js", "/live/docs/swagger-ui-bundle.js", "/live/openapi/topology.json"} {
		whole := s.ask(t, http.MethodGet, target)
		etag := whole.Header().Get("ETag")
		if text := whole.Body.String(); etag == "" || text == "" || whole.Header().Get("Cache-Control") != "no-cache" {
			t.Errorf("%s is answered %v", target, whole.Header())
		}
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
				"base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Access-Control-Allow-Origin": "*",
		} {
			if got := whole.Header().Get(name); got != want {
				t.Errorf("%s has the %s %q", target, name, got)
			}
		}
		head := s.ask(t, http.MethodHead, target)
		if text := head.Body.String(); text != "" || head.Code != http.StatusOK ||
			head.Header().Get("ETag") != etag || head.Header().Get("Content-Type") != whole.Header().Get("Content-Type") {
			t.Errorf("HEAD %s is answered %d %v", target, head.Code, head.Header())
		}
		for _, tags := range []string{etag, `"x", W/` + etag, "*"} {
			same := s.ask(t, http.MethodGet, target, "If-None-Match", tags)
			if text := same.Body.String(); text != "" || same.Code != http.StatusNotModified || same.Header().Get("ETag") != etag || same.Header().Get("Cache-Control") != "no-cache" {
				t.Errorf("%s with If-None-Match: %s is answered %d %v", target, tags, same.Code, same.Header())
			}
		}
		if other := s.ask(t, http.MethodGet, target, "If-None-Match", `"x"`); other.Code != http.StatusOK {
			t.Errorf("%s with another entity tag is answered %d", target, other.Code)
		}
	}
	r := s.ask(t, http.MethodGet, "/live/docs/swagger-ui-bundle.js", "Accept-Encoding", "gzip")
	if n := r.Body.Len(); r.Header().Get("Content-Encoding") != "gzip" || n > 600_000 {
		t.Errorf("Swagger UI is sent with %d bytes and %v", n, r.Header())
	}
}

// With a slash at its end, relative addresses would mean something else: the
// answer leads to the form without it, wherever the API is.
func TestSlash(t *testing.T) {
	t.Parallel()
	s := serve(t)
	for target, want := range map[string]string{
		"/live/docs/":                          "/live/docs",
		"/live/docs/?urls.primaryName=compute": "/live/docs?urls.primaryName=compute",
		"/live/openapi/topology.json/":         "/live/openapi/topology.json",
		"/live/docs/page.js/":                  "/live/docs/page.js",
	} {
		r := s.ask(t, http.MethodGet, target)
		from, err := url.Parse("https://example.com/base" + target)
		if err != nil {
			t.Fatal(err)
		}
		to, err := from.Parse(r.Header().Get("Location"))
		if err != nil || r.Code != http.StatusPermanentRedirect || to.String() != "https://example.com/base"+want {
			t.Errorf("%s is answered %d, and leads to %v, %v", target, r.Code, to, err)
		}
	}
}

// Whatever there is not is answered alike, by the function and by the gateway.
func TestNothing(t *testing.T) {
	t.Parallel()
	s := serve(t)
	const want = `{"type":"about:blank","title":"Not Found","status":404,"detail":"There is nothing at this path."}`
	for _, target := range []string{
		"/live/docs/x", "/live/docs/x/", "/live/docs/swagger-ui.css.gz", "/live/docs/page.js/x", "/live/docs/..%2Fpage.js",
		"/live/openapi", "/live/openapi/", "/live/openapi/topology", "/live/openapi/topology.yaml", "/live/openapi/x.json", "/live/openapi/topology.json/x",
	} {
		r := s.ask(t, http.MethodGet, target)
		if text := r.Body.String(); text != want || r.Code != http.StatusNotFound || r.Header().Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s is answered %d %q %v", target, r.Code, text, r.Header())
		}
	}
}
