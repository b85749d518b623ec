package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// request is what is sent.
type request struct {
	method string
	// path is below the URL of the API, and may have a query. Where it starts
	// with the path of that URL already, as a Location does, whole is true.
	path  string
	whole bool
	// body is JSON, or empty.
	body string
	// credentials sets the header for them; nil sends none.
	credentials func(*http.Request)
	// header has further lines, such as If-Match.
	header map[string]string
}

// answer is what came back. Its zero value stands for none.
type answer struct {
	sent   request
	status int
	header http.Header
	body   []byte
}

// maxAnswer is more than API Gateway sends.
const maxAnswer = 11 << 20

// send returns the answer to r. It sends r again where the API throttles it,
// which means that nothing was done.
func (t *tour) send(ctx context.Context, r request) (answer, error) {
	for tries := 1; ; tries++ {
		a, err := t.sendOnce(ctx, r)
		if err != nil || a.status != http.StatusTooManyRequests || tries == throttleTries {
			return a, err
		}
		if err := t.wait(ctx, tryAgainAfter); err != nil {
			return a, err
		}
	}
}

func (t *tour) sendOnce(ctx context.Context, r request) (answer, error) {
	none := answer{sent: r}
	target := *t.base
	prefix := t.base.Path
	if r.whole {
		prefix = ""
	}
	relative, err := url.Parse(r.path)
	if err != nil || relative.IsAbs() || relative.Host != "" || !strings.HasPrefix(relative.Path, "/") {
		return none, fmt.Errorf("%q is not a path", r.path)
	}
	target.Path, target.RawPath, target.RawQuery = prefix+relative.Path, "", relative.RawQuery
	q, err := http.NewRequestWithContext(ctx, r.method, target.String(), strings.NewReader(r.body))
	if err != nil {
		return none, err
	}
	if r.body != "" {
		q.Header.Set("Content-Type", "application/json")
	}
	if r.credentials != nil {
		r.credentials(q)
	}
	for name, value := range r.header {
		q.Header.Set(name, value)
	}
	response, err := t.client.Do(q)
	if err != nil {
		return none, err
	}
	defer func() { _ = response.Body.Close() }()
	a := answer{sent: r, status: response.StatusCode, header: response.Header}
	if a.body, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer)); err != nil {
		return none, fmt.Errorf("%s %s: read the answer: %w", r.method, r.path, err)
	}
	return a, nil
}

// shownBytes is how much of a body an error shows.
const shownBytes = 400

// String tells what was asked and answered, as an error needs it.
func (a answer) String() string {
	body := strings.TrimSpace(string(a.body))
	if len(body) > shownBytes {
		body = body[:shownBytes] + "…"
	}
	id := a.header.Get("X-Amzn-Requestid")
	if id != "" {
		id = " (request " + id + ")"
	}
	return fmt.Sprintf("%s %s is answered %d%s %q", a.sent.method, a.sent.path, a.status, id, body)
}

// decode reads the body into v.
func (a answer) decode(v any) error {
	if err := json.Unmarshal(a.body, v); err != nil {
		return fmt.Errorf("the body is not as expected: %w", err)
	}
	return nil
}

// has checks one header.
func (a answer) has(name, value string) error {
	if got := a.header.Get(name); got != value {
		return fmt.Errorf("%s is %q, not %q", name, got, value)
	}
	return nil
}

// same checks one value.
func same[T comparable](what string, got, want T) error {
	if got != want {
		return fmt.Errorf("%s is %v, not %v", what, got, want)
	}
	return nil
}

// object is JSON of values and lists.
func object(members map[string]any) string {
	// It holds nothing that could not be encoded.
	b, _ := json.Marshal(members)
	return string(b)
}
