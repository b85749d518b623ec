package httpjson_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
)

// entries yields n numbers as JSON, each with blanks up to the size, and calls
// at before each and at the end. An error of at ends it.
func entries(n, size int, at func(i int) error) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for i := range n + 1 {
			if err := at(i); err != nil {
				yield(nil, err)
				return
			}
			if i < n && !yield(fmt.Appendf(nil, "%-*d", size, i), nil) {
				return
			}
		}
	}
}

// never is the at of a sequence without a fault.
func never(int) error { return nil }

// sending is an answer on its way.
type sending struct {
	http.ResponseWriter
	body bytes.Buffer
	// flushed is how much of the body each flush passed on.
	flushed []int
	// room is how much can be written, unless it is negative. What does not fit
	// is refused, when the context has ended if it is to end then.
	room int
	ctx  context.Context
}

func (s *sending) Write(b []byte) (int, error) {
	if s.room >= 0 && s.body.Len()+len(b) > s.room {
		if e, ok := s.ctx.(*ended); ok && e.late != nil {
			e.err = e.late
		}
		return 0, errors.New("connection reset")
	}
	return s.body.Write(b)
}

func (s *sending) Flush() { s.flushed = append(s.flushed, s.body.Len()) }

// sent is what became of an answer.
type sent struct {
	*sending
	status int
	header http.Header
	// aborted means that the server was asked to break the answer off, and
	// panicked is any other panic.
	aborted  bool
	panicked any
	// err reached the dialect.
	err error
	log []map[string]any
}

// send answers with the entries.
func send(ctx context.Context, t *testing.T, all iter.Seq2[[]byte, error], room int, accept ...string) (got sent) {
	t.Helper()
	recorder := httptest.NewRecorder()
	got.sending = &sending{ResponseWriter: recorder, room: room, ctx: ctx}
	var log bytes.Buffer
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r = r.WithContext(httpjson.WithLogger(ctx, slog.New(slog.NewJSONHandler(&log, nil))))
	r.Header["Accept-Encoding"] = accept
	dialect := httpjson.Errors{Describe: func(_ *http.Request, err error) (int, any) {
		got.err = err
		return http.StatusTeapot, "refused"
	}}
	func() {
		defer func() {
			got.panicked = recover()
			if err, ok := got.panicked.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				got.aborted, got.panicked = true, nil
			}
		}()
		dialect.Open(func(*http.Request, auth.Principal) (httpjson.Answer, error) {
			return httpjson.NewArray(all), nil
		}).ServeHTTP(got.sending, r)
	}()
	got.status, got.header = recorder.Code, recorder.Header()
	for d := json.NewDecoder(&log); d.More(); {
		var line map[string]any
		if err := d.Decode(&line); err != nil {
			t.Fatal(err)
		}
		got.log = append(got.log, line)
	}
	return got
}

// plainBody returns what a client makes of the body, and whether it can take it
// for a whole one.
func (s sent) plainBody() (body []byte, whole bool) {
	body = s.body.Bytes()
	var err error
	if s.header.Get("Content-Encoding") == "gzip" {
		var r *gzip.Reader
		if r, err = gzip.NewReader(bytes.NewReader(body)); err != nil {
			return nil, false
		}
		body, err = io.ReadAll(r)
	}
	return body, err == nil && json.Valid(body)
}

// A list arrives in parts: the first entries soon, the others in large parts.
func TestArray(t *testing.T) {
	t.Parallel()
	const n, size = 1000, 400
	for _, accept := range []string{"", "gzip"} {
		got := send(t.Context(), t, entries(n, size, never), -1, accept)
		body, whole := got.plainBody()
		var list []int
		if err := json.Unmarshal(body, &list); err != nil || !whole || len(list) != n || got.status != 200 || len(got.log) > 0 {
			t.Fatalf("%q: %d, %v, a list of %d; logged %v", accept, got.status, err, len(list), got.log)
		}
		for i, e := range list {
			if e != i {
				t.Fatalf("%q: %d is number %d", accept, e, i)
			}
		}
		if got.header.Get("Content-Length") != "" {
			t.Errorf("%q: header %v", accept, got.header)
		}
		if flushes := len(got.flushed); flushes < 5 || flushes > 10 {
			t.Errorf("%q: %d flushes", accept, flushes)
		}
		if accept == "" && got.flushed[0] > 8<<10 {
			t.Errorf("the first part has %d bytes", got.flushed[0])
		}
		if accept == "gzip" && got.body.Len() > n*size/4 {
			t.Errorf("compressed it has %d bytes", got.body.Len())
		}
	}
}

// A short list is sent at once, with its length.
func TestShortArray(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "", 1: "", 9: "", 30: "gzip"} {
		got := send(t.Context(), t, entries(n, 100, never), -1, "gzip")
		body, whole := got.plainBody()
		if !whole || bytes.Count(body, []byte(",")) != max(0, n-1) {
			t.Errorf("%d entries: got %s", n, body)
		}
		if coding := got.header.Get("Content-Encoding"); coding != want {
			t.Errorf("%d entries: the coding is %q", n, coding)
		}
		if length := got.header.Get("Content-Length"); want == "" && length != strconv.Itoa(len(body)) || want != "" && length != "" {
			t.Errorf("%d entries: the length is %q", n, length)
		}
	}
}

func TestAcceptEncoding(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]bool{
		"":                               false,
		"gzip":                           true,
		"GZIP":                           true,
		"br, gzip;q=0.1":                 true,
		"deflate, br":                    false,
		"gzip;q=0":                       false,
		"gzip; q=0.000":                  false,
		"*":                              true,
		"*;q=0":                          false,
		"gzip;q=0, *":                    false,
		"*;q=0, gzip":                    true,
		"identity":                       false,
		"identity, gzip;q=0.9":           false,
		"identity;q=0.5, gzip":           true,
		"gzip;q=0.5, identity;q=.5":      false,
		"gzip ; Q=0.8 , identity ;q=0.3": true,
		"gzip, identity":                 false,
		"identity;q=0":                   false,
		"*, identity;q=0":                true,
		"gzip;q=x":                       false,
		"gzip;q=2":                       false,
		"gzip;q=NaN":                     false,
		"gzip;level=9":                   false,
		",;,":                            false,
	} {
		got := send(t.Context(), t, entries(30, 100, never), -1, accept)
		if compressed := got.header.Get("Content-Encoding") == "gzip"; compressed != want {
			t.Errorf("%q: compressed is %v", accept, compressed)
		}
	}
	if got := send(t.Context(), t, entries(30, 100, never), -1, "br", "gzip"); got.header.Get("Content-Encoding") != "gzip" {
		t.Error("the second header does not count")
	}
}

// Wherever a fault comes, the client gets its status or an answer that breaks
// off, never one that looks whole.
func TestArrayCut(t *testing.T) {
	t.Parallel()
	const n, size = 20, 4000
	broken := errors.New("broken")
	for name, fault := range map[string]func() error{
		"an error": func() error { return broken },
		"the time": func() error { return fmt.Errorf("read: %w", context.DeadlineExceeded) },
		"a panic":  func() error { panic(broken) },
	} {
		for _, accept := range []string{"", "gzip"} {
			for k := range n + 1 {
				got := send(t.Context(), t, entries(n, size, func(i int) error {
					if i == k {
						return fault()
					}
					return nil
				}), -1, accept)
				what := fmt.Sprintf("%s at entry %d, %q", name, k, accept)
				body, whole := got.plainBody()
				if len(got.flushed) == 0 {
					if k > 2 {
						t.Fatalf("%s: nothing was sent", what)
					}
					if name == "a panic" {
						if fmt.Sprint(got.panicked) != "broken" || len(body) > 0 || got.err != nil {
							t.Errorf("%s: got %q, panicked with %v", what, body, got.panicked)
						}
					} else if got.status != http.StatusTeapot || string(body) != `"refused"` || got.err == nil || got.aborted || got.panicked != nil || got.header.Get("Content-Encoding") != "" {
						t.Errorf("%s: got %d %q", what, got.status, body)
					}
					continue
				}
				if accept == "gzip" {
					// Nor does the compressed form end.
					if r, err := gzip.NewReader(&got.body); err != nil {
						t.Errorf("%s: %v", what, err)
					} else if _, err := io.Copy(io.Discard, r); !errors.Is(err, io.ErrUnexpectedEOF) {
						t.Errorf("%s: the compressed form ends with %v", what, err)
					}
				}
				if whole || !got.aborted || got.err != nil {
					t.Errorf("%s: whole is %v, aborted is %v, panicked with %v", what, whole, got.aborted, got.panicked)
				}
				var line map[string]any
				if len(got.log) == 1 {
					line = got.log[0]
				}
				if count, _ := line["entries"].(float64); line["msg"] != "answer cut off" || line["level"] != "ERROR" ||
					int(count) != len(bytes.Fields(bytes.ReplaceAll(body[1:], []byte(","), nil))) || count == 0 || !strings.Contains(fmt.Sprint(line["error"]), "broken") && name != "the time" {
					t.Errorf("%s: logged %v", what, got.log)
				}
				if stack, ok := line["stack_trace"].(string); ok != (name == "a panic") || ok && !strings.Contains(stack, "TestArrayCut") {
					t.Errorf("%s: the stack is %q", what, stack)
				}
			}
		}
	}
}

// ended is a context that ends with err, which becomes late when the client
// takes no more.
type ended struct {
	context.Context
	err, late error
}

func (e *ended) Err() error { return e.err }

// A list whose reader does not notice that the time is over, or that the client
// has left, ends soon all the same. Only the first is a fault.
func TestArrayEnds(t *testing.T) {
	t.Parallel()
	const n, size = 10_000, 100
	for _, accept := range []string{"", "gzip"} {
		for name, test := range map[string]struct {
			err     error
			late    error
			panics  bool
			room    int
			message string
		}{
			"the time is over":     {context.DeadlineExceeded, nil, false, -1, "answer cut off"},
			"the client left":      {context.Canceled, nil, false, -1, "client left"},
			"the connection broke": {nil, nil, false, 5000, "client left"},
			"it broke at once":     {nil, nil, false, 0, "client left"},
			"it was slow":          {nil, context.DeadlineExceeded, false, 5000, "answer cut off"},
			"a panic as it left":   {context.Canceled, nil, true, -1, "answer cut off"},
		} {
			if test.room > 0 && accept == "gzip" {
				test.room = 1000
			}
			ctx := &ended{Context: t.Context(), late: test.late}
			taken := 0
			got := send(ctx, t, entries(n, size, func(i int) error {
				if taken++; i == 200 {
					ctx.err = test.err
					if test.panics {
						panic("boom")
					}
				}
				return nil
			}), test.room, accept)
			if _, whole := got.plainBody(); whole || !got.aborted || taken > 5000 {
				t.Errorf("%s, %q: whole is %v after %d entries, aborted is %v", name, accept, whole, taken, got.aborted)
			}
			level := "INFO"
			if test.message == "answer cut off" {
				level = "ERROR"
			}
			if len(got.log) != 1 || got.log[0]["msg"] != test.message || got.log[0]["level"] != level {
				t.Errorf("%s, %q: logged %v", name, accept, got.log)
			}
		}
	}
}

// A client of net/http sees the cut as an error.
func TestArrayCutOverHTTP(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(httpjson.Errors{}.Open(func(*http.Request, auth.Principal) (httpjson.Answer, error) {
		return httpjson.NewArray(entries(100, 1000, func(i int) error {
			if i == 90 {
				return errors.New("broken")
			}
			return nil
		})), nil
	}))
	defer server.Close()
	for _, compressed := range []bool{false, true} {
		client := http.Client{Transport: &http.Transport{DisableCompression: !compressed}}
		response, err := client.Get(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err == nil || response.Uncompressed != compressed || len(body) < 4000 {
			t.Errorf("read %d bytes with the error %v", len(body), err)
		}
		client.CloseIdleConnections()
	}
}
