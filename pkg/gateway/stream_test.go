package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"instances/pkg/gateway"
)

// streamer streams the answer of one Go function for all names.
type streamer func(ctx context.Context, event []byte) (io.ReadCloser, error)

func (f streamer) Invoke(context.Context, string, []byte) ([]byte, error) {
	return nil, errors.New("not buffered")
}

func (f streamer) Stream(ctx context.Context, _ string, event []byte) (io.ReadCloser, error) {
	return f(ctx, event)
}

// writes returns a streamer whose answers are written by f. They end with its
// error, or that of the context.
func writes(f func(ctx context.Context, w io.Writer) error) streamer {
	return func(ctx context.Context, _ []byte) (io.ReadCloser, error) {
		r, w := io.Pipe()
		context.AfterFunc(ctx, func() { _ = w.CloseWithError(ctx.Err()) })
		go func() { _ = w.CloseWithError(f(ctx, w)) }()
		return r, nil
	}
}

// begin writes the prelude of an answer, and the first part of its body.
func begin(w io.Writer, part string) error {
	_, err := io.WriteString(w, `{"statusCode":200,"headers":{"Content-Type":"text/plain"}}`+gateway.Delimiter+part)
	return err
}

// serveTo serves the gateway and returns its address.
func serveTo(t *testing.T, g http.Handler) string {
	t.Helper()
	s := httptest.NewServer(g)
	t.Cleanup(s.Close)
	return s.URL
}

// reply is an answer whose body is closed at the end of the test.
type reply struct {
	StatusCode    int
	Header        http.Header
	ContentLength int64
	Body          io.Reader
}

// get requests the stream.
func get(t *testing.T, url string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/stream", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept-Encoding", "gzip")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = response.Body.Close() })
	return reply{response.StatusCode, response.Header, response.ContentLength, response.Body}
}

// Each part goes to the client when it comes, as the function wrote it.
func TestStream(t *testing.T) {
	t.Parallel()
	tmpl := load(t)
	tmpl.API.CompressFrom = 1
	part := make(chan string)
	url := serveTo(t, newGateway(t, tmpl, writes(func(_ context.Context, w io.Writer) error {
		if _, err := io.WriteString(w, `{"statusCode":201,"headers":{"Date":"x","Content-Length":"1"},"multiValueHeaders":{"Link":["a","b"]}}`+gateway.Delimiter); err != nil {
			return err
		}
		for p := range part {
			if _, err := io.WriteString(w, p); err != nil {
				return err
			}
		}
		return nil
	}), gateway.Options{}))
	response := get(t, url)
	h := response.Header
	if response.StatusCode != http.StatusCreated || h.Get("X-Amzn-Remapped-Date") != "x" || strings.Join(h.Values("Link"), " ") != "a b" ||
		h.Get("Content-Type") != "application/json" || response.ContentLength != -1 || h.Get("Content-Encoding") != "" || h.Get("X-Amzn-RequestId") == "" {
		t.Errorf("answer %d with %v", response.StatusCode, h)
	}
	large := strings.Repeat("b", gateway.MaxEventBytes+1)
	for _, want := range []string{"a", large, "\x00\xff" + gateway.Delimiter} {
		part <- want
		got := make([]byte, len(want))
		if _, err := io.ReadFull(response.Body, got); err != nil || string(got) != want {
			t.Fatalf("part of %d bytes: %v", len(got), err)
		}
	}
	close(part)
	if rest, err := io.ReadAll(response.Body); err != nil || len(rest) > 0 {
		t.Errorf("it ends with %q, %v", rest, err)
	}
}

// No client can take an answer that was cut off for a whole one.
func TestCutStream(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	g := newGateway(t, load(t), writes(func(_ context.Context, w io.Writer) error {
		return errors.Join(begin(w, "[1"), errors.New("disk on fire"))
	}), gateway.Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	s := httptest.NewServer(g)
	body, err := io.ReadAll(get(t, s.URL).Body)
	if string(body) != "[1" || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("body %q, %v", body, err)
	}
	// HTTP/1.0 knows no other end than that of the connection.
	c := dialTo(t, s)
	if _, err := io.WriteString(c, "GET /stream HTTP/1.0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if all, err := io.ReadAll(c); err == nil && !bytes.HasSuffix(all, []byte("\r\n\r\n[1")) {
		t.Errorf("answer %q", all)
	}
	s.Close()
	if n := strings.Count(log.String(), "msg=\"stream broken off\" function=thing-stream"); n != 2 || !strings.Contains(log.String(), "disk on fire") {
		t.Errorf("log %s", &log)
	}
}

// What fails before the body is an answer like that of any function.
func TestStreamFailures(t *testing.T) {
	t.Parallel()
	says := func(text string) streamer {
		return writes(func(_ context.Context, w io.Writer) error {
			_, err := io.WriteString(w, text)
			return err
		})
	}
	longest := `{"statusCode":200,"headers":{"A":"` + strings.Repeat("a", gateway.MaxPreludeBytes-len(`{"statusCode":200,"headers":{"A":""}}`+gateway.Delimiter)) + `"}}`
	for name, test := range map[string]struct {
		streamer
		status int
	}{
		"failed":   {func(context.Context, []byte) (io.ReadCloser, error) { return nil, errors.New("no") }, 502},
		"panicked": {func(context.Context, []byte) (io.ReadCloser, error) { panic("no") }, 502},
		"broken": {func(context.Context, []byte) (io.ReadCloser, error) {
			return io.NopCloser(iotest.ErrReader(errors.New("no"))), nil
		}, 502},
		"empty":            {says(""), 502},
		"buffered":         {says(`{"statusCode":200,"headers":{},"body":"[]"}`), 502},
		"seven bytes":      {says(`{"statusCode":200}` + gateway.Delimiter[1:]), 502},
		"with a body":      {says(`{"statusCode":200,"body":"[]"}` + gateway.Delimiter), 502},
		"malformed":        {says(`{"statusCode":"200"}` + gateway.Delimiter), 502},
		"without a status": {says(`{}` + gateway.Delimiter), 502},
		"bad status":       {says(`{"statusCode":100}` + gateway.Delimiter), 502},
		"longest prelude":  {says(longest + gateway.Delimiter), 200},
		"longer prelude":   {says(longest + " " + gateway.Delimiter), 502},
		"no content":       {says(`{"statusCode":204}` + gateway.Delimiter + "ignored"), 204},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			response := get(t, serveTo(t, newGateway(t, load(t), test.streamer, gateway.Options{})))
			body, err := io.ReadAll(response.Body)
			if err != nil || response.StatusCode != test.status || test.status == 502 && string(body) != `{"failed":"DEFAULT_5XX"}` {
				t.Errorf("answer %d %s, %v", response.StatusCode, body, err)
			}
		})
	}
}

// A client that leaves ends the invocation, before the first byte and after it.
func TestClientLeavesStream(t *testing.T) {
	t.Parallel()
	for _, first := range []string{"", "["} {
		started, ended := make(chan struct{}), make(chan error, 1)
		url := serveTo(t, newGateway(t, load(t), writes(func(ctx context.Context, w io.Writer) error {
			if first != "" {
				if err := begin(w, first); err != nil {
					return err
				}
			}
			close(started)
			<-ctx.Done()
			ended <- ctx.Err()
			return ctx.Err()
		}), gateway.Options{}))
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-started
			cancel()
		}()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/stream", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if response, err := http.DefaultClient.Do(r); err == nil {
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()
		}
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("after %q the context ends with %v", first, err)
		}
	}
}

// A client that closes its half of the connection counts as one that has left, and
// gets no failure of a function that was ended for that.
func TestClientClosesHalf(t *testing.T) {
	t.Parallel()
	started := make(chan struct{})
	url := serveTo(t, newGateway(t, load(t), streamer(func(ctx context.Context, _ []byte) (io.ReadCloser, error) {
		close(started)
		<-ctx.Done()
		return io.NopCloser(strings.NewReader(`{"statusCode":500}` + gateway.Delimiter)), nil
	}), gateway.Options{}))
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "GET /stream HTTP/1.1\r\nHost: h\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-started
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if answer, _ := io.ReadAll(conn); len(answer) > 0 {
		t.Errorf("it is answered %q", answer)
	}
}

// deadlines records the time that each write may take, and takes some.
type deadlines struct {
	*httptest.ResponseRecorder
	left, takes []time.Duration
}

func (d *deadlines) Write(b []byte) (int, error) {
	if len(d.takes) > 0 {
		time.Sleep(d.takes[0])
		d.takes = d.takes[1:]
	}
	return d.ResponseRecorder.Write(b)
}

func (d *deadlines) SetWriteDeadline(at time.Time) error {
	d.left = append(d.left, time.Until(at))
	return nil
}

// A stream may take as long as the template says, if its parts come often enough.
// No other limit applies, whatever the server allows for an answer.
func TestStreamTimes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		// The waits before the prelude and before each part of the body, and what
		// the client takes for these.
		waits, takes []time.Duration
		status       int
		body         string
		took         time.Duration
	}{
		{"whole", []time.Duration{4 * time.Minute, 4 * time.Minute, 4 * time.Minute}, nil, 200, "[12", 12 * time.Minute},
		{"slow client", []time.Duration{0, 4 * time.Minute}, []time.Duration{0, 4 * time.Minute}, 200, "[1", 8 * time.Minute},
		{"idle at first", []time.Duration{gateway.MaxIdle + 1}, nil, 504, `{"failed":"INTEGRATION_TIMEOUT"}`, gateway.MaxIdle},
		{"idle later", []time.Duration{0, gateway.MaxIdle + 1}, nil, 0, "[", gateway.MaxIdle},
		{"too long", []time.Duration{0, 4 * time.Minute, 4 * time.Minute, 4 * time.Minute, 4 * time.Minute}, nil, 0, "[123", 15 * time.Minute},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := newGateway(t, load(t), writes(func(ctx context.Context, w io.Writer) error {
					for i, d := range test.waits {
						select {
						case <-time.After(d):
						case <-ctx.Done():
							return ctx.Err()
						}
						part, write := strconv.Itoa(i), io.WriteString
						if i == 0 {
							part, write = "[", func(w io.Writer, s string) (int, error) { return 0, begin(w, s) }
						}
						if _, err := write(w, part); err != nil {
							return err
						}
					}
					return nil
				}), gateway.Options{})
				w := &deadlines{ResponseRecorder: httptest.NewRecorder(), takes: test.takes}
				started, aborted := time.Now(), false
				func() {
					defer func() {
						err, _ := recover().(error)
						aborted = errors.Is(err, http.ErrAbortHandler)
					}()
					g.ServeHTTP(w, request("GET", "/stream", ""))
				}()
				if aborted != (test.status == 0) || !aborted && w.Code != test.status || w.Body.String() != test.body || time.Since(started) != test.took {
					t.Errorf("answer %d %s after %s, aborted: %t", w.Code, w.Body, time.Since(started), aborted)
				}
				for _, d := range w.left {
					if d != gateway.MaxIdle {
						t.Errorf("a write may take %s", d)
					}
				}
				if len(w.left) == 0 && w.Code == 200 {
					t.Error("the writes have no deadline of their own")
				}
			})
		})
	}
}

// A stream holds no room for bodies, since it may take minutes: the body of its
// request is not passed on.
func TestStreamBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		end := make(chan struct{})
		var body string
		g := newGateway(t, load(t), streamer(func(ctx context.Context, event []byte) (io.ReadCloser, error) {
			body += decodeEvent(t, event).Body
			return writes(func(_ context.Context, w io.Writer) error {
				<-end
				return begin(w, "")
			})(ctx, event)
		}), gateway.Options{})
		codes := make(chan int)
		for range 20 {
			go func() { codes <- do(g, request("GET", "/stream", strings.Repeat("a", 1<<20))).Code }()
			synctest.Wait()
		}
		close(end)
		for range 20 {
			if code := <-codes; code != 200 {
				t.Errorf("status %d", code)
			}
		}
		if body != "" {
			t.Errorf("the events have %d bytes of bodies", len(body))
		}
	})
}

// Buffer returns what a buffered function would have answered.
func TestBuffer(t *testing.T) {
	t.Parallel()
	const head = `{"statusCode":200,"multiValueHeaders":{"A":["b"]}}` + gateway.Delimiter
	for stream, want := range map[string]string{
		head + `["ä"]`:    `{"statusCode":200,"headers":null,"multiValueHeaders":{"A":["b"]},"body":"[\"ä\"]"}`,
		head + "\x1f\x8b": `{"statusCode":200,"headers":null,"multiValueHeaders":{"A":["b"]},"body":"H4s=","isBase64Encoded":true}`,
		"no":              "", head[:9]: "",
	} {
		got, err := gateway.Buffer(strings.NewReader(stream))
		if string(got) != want || (err != nil) != (want == "") {
			t.Errorf("%q: %s, %v", stream, got, err)
		}
	}
	if _, err := gateway.Buffer(io.MultiReader(strings.NewReader(head), iotest.ErrReader(errors.New("cut")))); err == nil || err.Error() != "cut" {
		t.Errorf("error %v", err)
	}
	if _, err := gateway.Buffer(bufio.NewReader(iotest.OneByteReader(strings.NewReader(head)))); err != nil {
		t.Error(err)
	}
}
