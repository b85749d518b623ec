package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"instances/pkg/app"
)

// startVariable makes this test binary the function of its value.
const startVariable = "INSTANCES_TEST_START"

func TestMain(m *testing.M) {
	if name := os.Getenv(startVariable); name != "" {
		app.Start(app.Functions()[name])
	}
	os.Exit(m.Run())
}

// process returns a process that is a function in the environment.
func process(ctx context.Context, t *testing.T, env ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(ctx, self)
	c.Env = append([]string{
		startVariable + "=topology-get", "AWS_REGION=eu-west-1", "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b",
		"AWS_LAMBDA_FUNCTION_NAME=TopologyGet",
	}, env...)
	return c
}

// A function without its table does not start, and says why.
func TestStartWithoutTable(t *testing.T) {
	t.Parallel()
	c := process(t.Context(), t, "HISTORY_RETENTION_DAYS=365", "AWS_LAMBDA_RUNTIME_API=127.0.0.1:1")
	out, err := c.Output()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("%v, want exit code 1", err)
	}
	var line struct{ Level, Error string }
	if err := json.Unmarshal(out, &line); err != nil || line.Level != "ERROR" || line.Error != "TABLE_NAME is not set" {
		t.Errorf("%v; logged %s", err, out)
	}
}

// A function takes events from the runtime and answers them, and logs a line
// for each.
func TestStart(t *testing.T) {
	t.Parallel()
	const event = `{"resource":"/x/{Id}","path":"/x/1","httpMethod":"GET","pathParameters":{"Id":"1"},"requestContext":{"requestId":"req-1"}}`
	ctx, cancel := context.WithCancel(t.Context())
	answers := make(chan []byte, 2)
	var invocations atomic.Int64
	runtime := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/2018-06-01/runtime/invocation/next" && invocations.Load() < 2:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "fn-"+strconv.FormatInt(invocations.Add(1), 10))
			w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(time.Minute).UnixMilli(), 10))
			w.Header().Set("Lambda-Runtime-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0")
			_, _ = io.WriteString(w, event)
		case strings.HasSuffix(r.URL.Path, "/response"):
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Errorf("read answer: %v", err)
			}
			w.WriteHeader(http.StatusAccepted)
			answers <- body
		default:
			// A function that has nothing to do waits until it is ended.
			<-r.Context().Done()
		}
	}))
	defer runtime.Close()

	var log bytes.Buffer
	c := process(ctx, t, "TABLE_NAME=registry", "HISTORY_RETENTION_DAYS=365", "CORS_ALLOW_ORIGIN=*",
		"AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(runtime.URL, "http://"))
	c.Stdout, c.Stderr = &log, &log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		// The error is that it was ended.
		_ = c.Wait()
		close(ended)
	}()
	// Before the server closes, which waits for the function to hang up.
	defer cancel()
	for range 2 {
		select {
		case body := <-answers:
			var r events.APIGatewayProxyResponse
			if err := json.Unmarshal(body, &r); err != nil || r.StatusCode != http.StatusUnauthorized {
				t.Errorf("%v; answer %s", err, body)
			}
			h := http.Header(r.MultiValueHeaders)
			if h.Get("X-Request-Id") != "req-1" || h.Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("headers %v", h)
			}
		case <-ended:
			t.Fatalf("the function ended: %s", &log)
		}
	}
	cancel()
	<-ended

	lines := json.NewDecoder(&log)
	for _, want := range []string{"fn-1 true", "fn-2 false"} {
		var line struct {
			Level, Message, Service string
			Status                  int
			Cold                    bool   `json:"cold_start"`
			FunctionRequestID       string `json:"function_request_id"`
			TraceID                 string `json:"xray_trace_id"`
			CorrelationID           string `json:"correlation_id"`
			FunctionName            string `json:"function_name"`
			Timestamp               time.Time
		}
		if err := lines.Decode(&line); err != nil {
			t.Fatalf("read the log: %v", err)
		}
		if line.FunctionRequestID+" "+strconv.FormatBool(line.Cold) != want ||
			line.Level != "INFO" || line.Message != "request" || line.Service != "instances" || line.Status != http.StatusUnauthorized ||
			line.TraceID != "1-5759e988-bd862e3fe1be46a994272793" || line.CorrelationID != "req-1" ||
			line.FunctionName != "TopologyGet" || line.Timestamp.IsZero() {
			t.Errorf("logged %+v, want %s", line, want)
		}
	}
	if lines.More() {
		t.Error("more was logged")
	}
}

// A list is streamed to the runtime, and buffered in SAM CLI.
func TestStartStreams(t *testing.T) {
	t.Parallel()
	const event = `{"resource":"/x","path":"/x","httpMethod":"GET","requestContext":{"requestId":"req-1"}}`
	const streamed = "application/vnd.awslambda.http-integration-response"
	for samLocal, want := range map[string]string{"false": streamed, "true": "application/octet-stream"} {
		answers := make(chan *http.Request, 1)
		bodies := make(chan []byte, 1)
		var invoked atomic.Bool
		runtime := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case strings.HasSuffix(r.URL.Path, "/next") && !invoked.Swap(true):
				w.Header().Set("Lambda-Runtime-Aws-Request-Id", "fn-1")
				w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(time.Minute).UnixMilli(), 10))
				_, _ = io.WriteString(w, event)
			case strings.HasSuffix(r.URL.Path, "/response"):
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Errorf("read answer: %v", err)
				}
				w.WriteHeader(http.StatusAccepted)
				answers <- r
				bodies <- body
			default:
				<-r.Context().Done()
			}
		}))
		defer runtime.Close()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		c := process(ctx, t, "TABLE_NAME=registry", "HISTORY_RETENTION_DAYS=365", startVariable+"=topology-search", "AWS_SAM_LOCAL="+samLocal,
			"AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(runtime.URL, "http://"))
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			// The error is that it was ended.
			_ = c.Wait()
			close(ended)
		}()
		var r *http.Request
		select {
		case r = <-answers:
		case <-ended:
			t.Fatal("the function ended")
		}
		body := <-bodies
		cancel()
		<-ended
		if got := r.Header.Get("Content-Type"); got != want {
			t.Errorf("AWS_SAM_LOCAL=%s: the type is %q", samLocal, got)
		}
		head, rest, whole := bytes.Cut(body, make([]byte, 8))
		var answer events.APIGatewayProxyResponse
		if err := json.Unmarshal(head, &answer); err != nil || answer.StatusCode != http.StatusUnauthorized || whole != (want == streamed) {
			t.Errorf("AWS_SAM_LOCAL=%s: %v; answer %q", samLocal, err, body)
		}
		if problem := answer.Body + string(rest); !strings.HasPrefix(problem, `{"type":"about:blank"`) || r.Trailer.Get("Lambda-Runtime-Function-Error-Type") != "" {
			t.Errorf("AWS_SAM_LOCAL=%s: body %s, trailer %v", samLocal, problem, r.Trailer)
		}
	}
}
