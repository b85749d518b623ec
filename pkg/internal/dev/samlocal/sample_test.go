package samlocal_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// sample is a sample event with a key that works.
type sample struct {
	function string
	// original is the file, and event what is sent.
	original, event []byte
	// The members are those of a request, if it is one.
	HTTPMethod                      string
	Body                            string
	PathParameters                  map[string]string
	MultiValueHeaders               map[string][]string
	MultiValueQueryStringParameters map[string][]string
	RequestContext                  struct{ Path string }
}

// loadSamples reads all sample events and puts the secret in the place of the
// one in their credentials.
func loadSamples(t *testing.T, folder, secret string) []sample {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no events in %s: %v", folder, err)
	}
	samples := make([]sample, len(paths))
	for i, path := range paths {
		s := &samples[i]
		s.function = strings.TrimSuffix(filepath.Base(path), ".json")
		if s.original, err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
		s.event = []byte(withKey(string(s.original), secret))
		if err := json.Unmarshal(s.event, s); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	return samples
}

var ifMatch = regexp.MustCompile(`("If-Match":\s*\[?\s*)"(\\.|[^"\\])*"`)

// withKey replaces the placeholders for the credentials of a key, and a revision
// that is asked for by any.
func withKey(event, secret string) string {
	event = ifMatch.ReplaceAllString(event, `$1"*"`)
	basic := func(secret string) string { return base64.StdEncoding.EncodeToString([]byte(keyName + ":" + secret)) }
	return strings.NewReplacer(
		basic("example"), basic(secret),
		"Token example", "Token "+secret,
		"ApiKey example", "ApiKey "+secret,
		"password=example", "password="+secret,
	).Replace(event)
}

// isRequest reports whether API Gateway sends the event.
func (s sample) isRequest() bool { return s.HTTPMethod != "" }

// rank sorts the events of one API: what they ask for is there, whatever the
// functions are.
func (s sample) rank() int {
	switch {
	case strings.HasSuffix(s.function, "-create"):
		return 0
	case s.HTTPMethod == http.MethodGet:
		return 2
	case s.HTTPMethod == http.MethodDelete:
		return 3
	}
	return 1
}

// request returns the request that the event tells of.
func (s sample) request(t *testing.T) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), s.HTTPMethod,
		"https://api.example.com"+s.RequestContext.Path, strings.NewReader(s.Body))
	r.URL.RawQuery = url.Values(s.MultiValueQueryStringParameters).Encode()
	for name, values := range s.MultiValueHeaders {
		if name != "Host" && !strings.HasPrefix(name, "X-Forwarded-") {
			r.Header[name] = values
		}
	}
	return r
}

// The placeholders of the sample events give way, and nothing else does.
func TestWithKey(t *testing.T) {
	t.Parallel()
	const placeholders = `{"a": "Basic bG9jYWw6ZXhhbXBsZQ==", "b": ["Token example", "ApiKey example"], "c": "username=local&password=example",
		"If-Match": "\"0a1b2c3d4e5f6071.3\"", "X": {"If-Match": [ "\"x\""], "If-None-Match": "\"y\""}, "d": "example"}`
	const want = `{"a": "Basic bG9jYWw6c2VjcmV0", "b": ["Token secret", "ApiKey secret"], "c": "username=local&password=secret",
		"If-Match": "*", "X": {"If-Match": [ "*"], "If-None-Match": "\"y\""}, "d": "example"}`
	if got := withKey(placeholders, "secret"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
