package lambdahttp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"instances/pkg/httpjson"
	"instances/pkg/lambdahttp"
	"instances/pkg/repository/capacity"
)

// logTo returns a logger, and a function that returns the one line logged since.
func logTo(t *testing.T) (*slog.Logger, func() map[string]any) {
	t.Helper()
	var b bytes.Buffer
	return slog.New(slog.NewJSONHandler(&b, nil)), func() map[string]any {
		t.Helper()
		var line map[string]any
		if err := json.Unmarshal(b.Bytes(), &line); err != nil {
			t.Fatalf("want one line of JSON: %v\n%s", err, b.String())
		}
		b.Reset()
		return line
	}
}

func TestLog(t *testing.T) {
	t.Parallel()
	const event = `{"resource":"/x/{Id}","path":"/x/secret","httpMethod":"POST","body":"secret","pathParameters":{"Id":"secret"},
		"headers":{"Authorization":"secret","secret":"x"},"queryStringParameters":{"q":"secret"},
		"requestContext":{"requestId":"req-1","path":"/prod/x/secret","identity":{"sourceIp":"192.0.2.7"}}}`
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "fn-1"})
	//nolint:staticcheck // The key is the runtime's.
	ctx = context.WithValue(ctx, "x-amzn-trace-id", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1")
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	status := http.StatusCreated
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		capacity.MeterFrom(r.Context()).Add(capacity.Consumed{Calls: 2, ReadUnits: 0.5, WriteUnits: 8})
		now = now.Add(12345678 * time.Nanosecond)
		w.Header().Set("Location", "/secret")
		w.WriteHeader(status)
		write(w, "secret")
	})
	logger, read := logTo(t)
	f := lambdahttp.New(h, lambdahttp.Options{Logger: logger, Now: func() time.Time { return now }})

	want := map[string]any{
		"level": "INFO", "msg": "request", "cold_start": true, "function_request_id": "fn-1",
		"xray_trace_id": "1-5759e988-bd862e3fe1be46a994272793", "correlation_id": "req-1",
		"method": "POST", "route": "/x/{Id}", "status": 201.0, "duration_ms": 12.345,
		"read_units": 0.5, "write_units": 8.0, "db_calls": 2.0, "response_bytes": 6.0,
	}
	check := func() {
		t.Helper()
		if _, err := f.Invoke(ctx, []byte(event)); err != nil {
			t.Fatal(err)
		}
		got := read()
		delete(got, "time")
		for key, value := range want {
			if got[key] != value {
				t.Errorf("%s: %v, want %v", key, got[key], value)
			}
			delete(got, key)
		}
		if len(got) > 0 {
			t.Errorf("more was logged: %v", got)
		}
	}
	check()

	want["cold_start"] = false
	want["status"], want["level"] = 503.0, "ERROR"
	status = http.StatusServiceUnavailable
	check()
}

// The client's own id of a request is logged, bounded and printable. It never takes
// the place of the gateway's.
func TestLogClientID(t *testing.T) {
	t.Parallel()
	for sent, want := range map[string]any{
		`"abc-1"`:                             "abc-1",
		`"a b\u0000\u001b[31m\r\n{\"x\"}é"`:   "a b??[31m??{\"x\"}??",
		`"` + strings.Repeat("x", 5000) + `"`: strings.Repeat("x", 128),
		`""`:                                  nil,
	} {
		logger, read := logTo(t)
		got := invoke(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), lambdahttp.Options{Logger: logger},
			`{"path":"/x","httpMethod":"GET","headers":{"x-request-ID":`+sent+`},"requestContext":{"requestId":"req-1"}}`)
		if line := read(); line["client_request_id"] != want || line["correlation_id"] != "req-1" {
			t.Errorf("%.60s: logged %v", sent, line)
		}
		if id := got.MultiValueHeaders["X-Request-Id"]; len(id) != 1 || id[0] != "req-1" {
			t.Errorf("%.60s: the answer has the id %q", sent, id)
		}
	}
}

// A panic is logged with its stack, in the line of the request.
func TestLogPanic(t *testing.T) {
	t.Parallel()
	for _, value := range []any{"boom", http.ErrAbortHandler} {
		logger, read := logTo(t)
		invoke(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(value) }), lambdahttp.Options{Logger: logger}, plain)
		l := read()
		message, _ := l["error"].(string)
		stack, _ := l["stack_trace"].(string)
		if l["level"] != "ERROR" || l["status"] != 500.0 || !strings.HasPrefix(message, "panic: ") || !strings.Contains(stack, "TestLogPanic") {
			t.Errorf("logged %v", l)
		}
	}
}

func TestLogNoEvent(t *testing.T) {
	t.Parallel()
	logger, read := logTo(t)
	invoke(t, nil, lambdahttp.Options{Logger: logger}, `{}`)
	if l := read(); l["level"] != "ERROR" || l["error"] != "event is not a request of a REST API: httpMethod or path is missing" {
		t.Errorf("logged %v", l)
	}
}

// What a handler logs identifies the request.
func TestRequestLogger(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { httpjson.Logger(r.Context()).Error("failed") })
	invoke(t, h, lambdahttp.Options{Logger: slog.New(slog.NewJSONHandler(&b, nil))}, plain)
	first, _, _ := strings.Cut(b.String(), "\n")
	if !strings.Contains(first, `"msg":"failed"`) || !strings.Contains(first, `"correlation_id":"req-1"`) {
		t.Errorf("logged %s", first)
	}
}

func TestRequestID(t *testing.T) {
	t.Parallel()
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "fn-1"})
	for event, want := range map[string]string{
		plain:                              "req-1",
		`{"path":"/x","httpMethod":"GET"}`: "fn-1",
		`{}`:                               "fn-1",
	} {
		h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Request-Id", "forged")
			if got := httpjson.CallFrom(r.Context()).RequestID; got != want {
				t.Errorf("call of request %q, want %q", got, want)
			}
		})
		r := invokeContext(ctx, t, h, lambdahttp.Options{}, event)
		if got := r.MultiValueHeaders["X-Request-Id"]; len(got) != 1 || got[0] != want {
			t.Errorf("%s: X-Request-Id %q, want %q", event, got, want)
		}
	}
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	end := time.Now().Add(time.Hour)
	ctx, cancel := context.WithDeadline(t.Context(), end)
	defer cancel()
	for margin, want := range map[time.Duration]time.Time{
		0:           end.Add(-lambdahttp.DefaultMargin),
		time.Second: end.Add(-time.Second),
	} {
		var seen context.Context
		h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			seen = r.Context()
			if got, ok := seen.Deadline(); !ok || !got.Equal(want) || seen.Err() != nil {
				t.Errorf("margin %v: deadline %v, %v, want %v", margin, got, seen.Err(), want)
			}
		})
		invokeContext(ctx, t, h, lambdahttp.Options{Margin: margin}, plain)
		if seen.Err() == nil {
			t.Error("the context goes on after the request")
		}
	}
	invoke(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if got, ok := r.Context().Deadline(); ok {
			t.Errorf("deadline %v from nowhere", got)
		}
	}), lambdahttp.Options{}, plain)
}
