package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// request is a request to send.
type request struct {
	// line is the method, the path below the URL of the API with its query,
	// and perhaps one header, as in "GET /instances If-None-Match: *".
	line string
	// body is nil for none.
	body object
	// authorization is the value of that header, or empty.
	authorization string
}

// object is a JSON object to send, or the members that an answer must have.
type object map[string]any

// answer is the response to a request. Its status is 0 if there was none.
type answer struct {
	line   string
	status int
	header http.Header
	body   []byte
}

const (
	// maxAnswer exceeds what API Gateway sends.
	maxAnswer = 11 << 20
	// How often a request is sent while the API throttles it, which means that
	// nothing was done, and while an index lags behind.
	throttleTries = 5
	lagTries      = 20
)

// send sends a request, again if throttled, until its answer has the status,
// one or several as in "200 or 201", and passes the checks.
func (r *runner) send(ctx context.Context, q request, status string, checks ...check) (answer, error) {
	for tries := 1; ; tries++ {
		a, err := r.sendOnce(ctx, q)
		if err != nil {
			return a, err
		}
		if err = a.verify(status, checks); err == nil {
			return a, nil
		}
		_, lags := errors.AsType[lagError](err)
		again := lags && tries < lagTries || a.status == http.StatusTooManyRequests && tries < throttleTries
		if !again {
			return a, fmt.Errorf("%s: %w", a, err)
		}
		select {
		case <-ctx.Done():
			return a, ctx.Err()
		case <-time.After(r.retryAfter):
		}
	}
}

func (r *runner) sendOnce(ctx context.Context, q request) (answer, error) {
	a := answer{line: q.line}
	method, rest, _ := strings.Cut(q.line, " ")
	path, header, _ := strings.Cut(rest, " ")
	target, err := r.base.Parse(r.base.EscapedPath() + path)
	if err != nil || !strings.HasPrefix(path, "/") || target.Host != r.base.Host {
		return a, fmt.Errorf("%q is not a path", path)
	}
	var body []byte
	if q.body != nil {
		if body, err = json.Marshal(q.body); err != nil {
			return a, err
		}
	}
	sent, err := http.NewRequestWithContext(ctx, method, target.String(), bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	if q.body != nil {
		sent.Header.Set("Content-Type", "application/json")
	}
	if q.authorization != "" {
		sent.Header.Set("Authorization", q.authorization)
	}
	if name, value, ok := strings.Cut(header, ": "); ok {
		sent.Header.Set(name, value)
	}
	response, err := r.client.Do(sent)
	if err != nil {
		return a, err
	}
	defer func() { _ = response.Body.Close() }()
	if a.body, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer)); err != nil {
		return a, fmt.Errorf("%s: read the answer: %w", q.line, err)
	}
	a.status, a.header = response.StatusCode, response.Header
	return a, nil
}

// maxShown is how much of a body an error shows, in bytes.
const maxShown = 400

// String describes the request and its answer for an error.
func (a answer) String() string {
	body := strings.TrimSpace(string(a.body))
	if len(body) > maxShown {
		body = body[:maxShown] + "…"
	}
	id := a.header.Get("X-Amzn-Requestid")
	if id != "" {
		id = " (request " + id + ")"
	}
	return fmt.Sprintf("%s answered %d%s %q", a.line, a.status, id, body)
}

func (a answer) decode(v any) error {
	if err := json.Unmarshal(a.body, v); err != nil {
		return fmt.Errorf("unexpected body: %w", err)
	}
	return nil
}

func (a answer) verify(status string, checks []check) error {
	if !strings.Contains(status, strconv.Itoa(a.status)) {
		return fmt.Errorf("the status is not %s", status)
	}
	for _, c := range checks {
		if err := c(a); err != nil {
			return err
		}
	}
	return nil
}

// check verifies an answer that has the right status.
type check func(answer) error

// members is a JSON object that was received.
type members map[string]json.RawMessage

func (m members) match(want object) error {
	for name, value := range want {
		wanted, err := json.Marshal(value)
		if err != nil {
			return err
		}
		if string(m[name]) != string(wanted) {
			return fmt.Errorf("%s is %s, not %s", name, m[name], wanted)
		}
	}
	return nil
}

// is checks for an object with the members of want.
func is(want object) check {
	return func(a answer) error {
		var got members
		if err := a.decode(&got); err != nil {
			return err
		}
		return got.match(want)
	}
}

// isList checks for a list.
func isList(a answer) error { return a.decode(new([]members)) }

// lists checks for a list that includes want.
func lists(want object) check {
	return func(a answer) error {
		var got []members
		if err := a.decode(&got); err != nil {
			return err
		}
		for _, m := range got {
			if m.match(want) == nil {
				return nil
			}
		}
		return fmt.Errorf("%v is not in the list", want)
	}
}

// listsOnly checks for a list of want alone.
func listsOnly(want object) check {
	return func(a answer) error {
		var got []json.RawMessage
		if err := a.decode(&got); err != nil {
			return err
		}
		if len(got) != 1 {
			return fmt.Errorf("the list has %d items, not 1", len(got))
		}
		return lists(want)(a)
	}
}

// hasHeader checks one header.
func hasHeader(name, value string) check {
	return func(a answer) error {
		if got := a.header.Get(name); got != value {
			return fmt.Errorf("%s is %q, not %q", name, got, value)
		}
		return nil
	}
}

// lagError is the error of a check that may pass later.
type lagError struct{ error }

func (e lagError) Unwrap() error { return e.error }

// eventually is c for an index that may lag behind.
func eventually(c check) check {
	return func(a answer) error {
		if err := c(a); err != nil {
			return lagError{err}
		}
		return nil
	}
}
