package lambdahttp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"instances/pkg/lambdahttp"
)

// streamed is a streamed answer, as far as it came.
type streamed struct {
	StatusCode        int
	MultiValueHeaders http.Header
	body              string
	err               error
}

// parse takes a streamed answer apart.
func parse(t testing.TB, all []byte, err error) streamed {
	t.Helper()
	head, body, ok := bytes.Cut(all, make([]byte, 8))
	s := streamed{body: string(body), err: err}
	if !ok || json.Unmarshal(head, &s) != nil {
		t.Fatalf("not a streamed answer: %.200q", all)
	}
	return s
}

// stream returns the whole streamed answer of h to the event.
func stream(ctx context.Context, t testing.TB, h http.Handler, o lambdahttp.Options, event string) streamed {
	t.Helper()
	r, err := lambdahttp.NewStream(h, o).Stream(ctx, []byte(event))
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(r)
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	return parse(t, all, err)
}

// flush sends what has been written.
func flush(w http.ResponseWriter) { w.(http.Flusher).Flush() }

// A streamed answer is the buffered one in another form.
func TestStream(t *testing.T) {
	t.Parallel()
	options := lambdahttp.Options{Header: http.Header{"Vary": {"Origin"}, "X-All": {"a"}}}
	for name, serve := range map[string]func(w http.ResponseWriter){
		"nothing written": func(http.ResponseWriter) {},
		"a body": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Vary", "Accept-Encoding")
			w.Header().Add("Link", "<a>, <b>\r\nX: y")
			w.Header().Set("Content-Length", "9")
			w.WriteHeader(http.StatusAccepted)
			w.Header().Set("ETag", "late")
			w.WriteHeader(http.StatusTeapot)
			write(w, `[1,`)
			write(w, `2]`)
		},
		"no content type": func(w http.ResponseWriter) { write(w, "a") },
		"no body allowed": func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusNoContent)
			if _, ok := w.(http.Flusher); ok {
				flush(w)
			}
		},
		"a large body": func(w http.ResponseWriter) {
			for range 100 {
				write(w, strings.Repeat("x", 10_000))
			}
		},
		"a bad status": func(w http.ResponseWriter) { w.WriteHeader(77) },
		"a panic":      func(http.ResponseWriter) { panic("boom") },
		"an abort": func(w http.ResponseWriter) {
			write(w, "not sent yet")
			panic(http.ErrAbortHandler)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, event := range []string{plain, `{}`} {
				h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { serve(w) })
				want := invoke(t, h, options, event)
				got := stream(t.Context(), t, h, options, event)
				if got.err != nil || got.StatusCode != want.StatusCode || got.body != want.Body ||
					!maps.EqualFunc(got.MultiValueHeaders, want.MultiValueHeaders, equal) {
					t.Errorf("got %d %v %.100q, %v\nwant %d %v %.100q", got.StatusCode, got.MultiValueHeaders, got.body, got.err,
						want.StatusCode, want.MultiValueHeaders, want.Body)
				}
			}
		})
	}
}

func equal(a, b []string) bool { return strings.Join(a, "\n") == strings.Join(b, "\n") }

// Only a stream can be flushed, which is how a handler tells it.
func TestStreamInvoked(t *testing.T) {
	t.Parallel()
	s := lambdahttp.NewStream(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if _, ok := w.(http.Flusher); ok {
			w.WriteHeader(http.StatusAccepted)
		}
	}), lambdahttp.Options{})
	out, err := s.Invoke(t.Context(), []byte(plain))
	if err != nil || decode(t, out).StatusCode != http.StatusOK {
		t.Errorf("got %s, %v", out, err)
	}
	r, err := s.Stream(t.Context(), []byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	typed, ok := r.(*events.APIGatewayProxyStreamingResponse)
	if !ok || typed.StatusCode != http.StatusAccepted || typed.ContentType() != "application/vnd.awslambda.http-integration-response" {
		t.Errorf("got %#v", r)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

// What a handler flushes arrives before it goes on, bytes as they are.
func TestStreamFlushes(t *testing.T) {
	t.Parallel()
	next := make(chan struct{})
	h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		flush(w)
		for _, part := range []string{"\x00\xff", "b", ""} {
			<-next
			write(w, part)
			flush(w)
		}
	})
	r, err := lambdahttp.NewStream(h, lambdahttp.Options{}).Stream(t.Context(), []byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	var got []byte
	for _, want := range []string{"\x00\x00", "\x00\x00\x00\xff", "\xffb"} {
		for b := make([]byte, 1); !bytes.HasSuffix(got, []byte(want)); got = append(got, b[0]) {
			if _, err := r.Read(b); err != nil {
				t.Fatal(err)
			}
		}
		next <- struct{}{}
	}
	if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("read %d, %v", n, err)
	}
}

// An answer that its handler breaks off ends with an error, and the line of the
// request says so.
func TestStreamCut(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]any{"the answer was cut off": http.ErrAbortHandler, "panic: boom": "boom"} {
		logger, read := logTo(t)
		got := stream(t.Context(), t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			write(w, "[1")
			flush(w)
			write(w, ",2")
			panic(value)
		}), lambdahttp.Options{Logger: logger}, plain)
		if got.err == nil || got.StatusCode != http.StatusOK || got.body != "[1" {
			t.Errorf("got %d %q, %v", got.StatusCode, got.body, got.err)
		}
		l := read()
		stack, _ := l["stack_trace"].(string)
		if l["level"] != "ERROR" || l["status"] != 200.0 || l["response_bytes"] != 2.0 || l["cut_off"] != true || l["error"] != name ||
			strings.Contains(stack, "TestStreamCut") != (value == "boom") {
			t.Errorf("logged %v", l)
		}
	}
}

// forever writes until that fails.
func forever(w http.ResponseWriter) (written int) {
	for {
		n, err := w.Write(make([]byte, 1000))
		if err != nil {
			return written
		}
		written += n
	}
}

// A reader that leaves, or is slow until the time is over, ends the handler,
// which is not far ahead. Nothing goes on after Close.
func TestStreamEnds(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		leave func(cancel context.CancelFunc)
		level string
		took  float64
	}{
		"the reader closes":   {func(context.CancelFunc) {}, "INFO", 0},
		"its context ends":    {func(cancel context.CancelFunc) { cancel() }, "INFO", 0},
		"the time is over":    {func(context.CancelFunc) { time.Sleep(time.Minute) }, "ERROR", 59_500},
		"just before its end": {func(context.CancelFunc) { time.Sleep(59 * time.Second) }, "INFO", 59_000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				logger, read := logTo(t)
				written := 0
				h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					written = forever(w)
					if r.Context().Err() == nil {
						t.Error("the context goes on")
					}
					panic(http.ErrAbortHandler)
				})
				r, err := lambdahttp.NewStream(h, lambdahttp.Options{Logger: logger}).Stream(ctx, []byte(plain))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := io.ReadFull(r, make([]byte, 1000)); err != nil {
					t.Error(err)
				}
				synctest.Wait()
				test.leave(cancel)
				synctest.Wait()
				if name == "the time is over" {
					if all, err := io.ReadAll(r); err == nil || len(all) > 2<<20 {
						t.Errorf("read %d bytes, %v", len(all), err)
					}
				}
				if err := r.Close(); err != nil {
					t.Error(err)
				}
				if written == 0 || written > 2<<20 {
					t.Errorf("wrote %d bytes", written)
				}
				if l := read(); l["level"] != test.level || l["cut_off"] != true || l["duration_ms"] != test.took {
					t.Errorf("logged %v", l)
				}
				if n, err := r.Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, io.EOF) {
					t.Errorf("after Close: read %d, %v", n, err)
				}
			})
		})
	}
}

// An error at the deadline still reaches the client.
func TestStreamLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		got := stream(ctx, t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
			w.WriteHeader(http.StatusServiceUnavailable)
			write(w, "late")
		}), lambdahttp.Options{Logger: slog.New(slog.DiscardHandler)}, plain)
		if got.StatusCode != http.StatusServiceUnavailable || got.body != "late" || got.err != nil {
			t.Errorf("got %d %q, %v", got.StatusCode, got.body, got.err)
		}
	})
}
