package runtimeapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"instances/pkg/gateway"
	"instances/pkg/gateway/runtimeapi"
)

// The tests run their own binary as functions, with AWS's own runtime client.
func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		os.Exit(m.Run())
	}
	if os.Getenv("BROKEN") != "" {
		os.Exit(3)
	}
	lambda.Start(answer)
}

type question struct {
	Do, Text string
}

func answer(ctx context.Context, q question) (string, error) {
	switch q.Do {
	case "fail":
		return "", errors.New(q.Text)
	case "crash":
		os.Exit(4)
	case "overflow":
		return strings.Repeat("a", gateway.MaxEventBytes), nil
	case "deadline":
		at, _ := ctx.Deadline()
		return at.UTC().Format(time.RFC3339), nil
	}
	lc, _ := lambdacontext.FromContext(ctx)
	return fmt.Sprintf("%s: %s %s", lambdacontext.FunctionName, q.Text, lc.InvokedFunctionArn), nil
}

// start serves functions and runs one process for each.
func start(t *testing.T, environment map[string]string, functions ...string) *runtimeapi.Server {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := runtimeapi.New(functions...)
	listener := httptest.NewServer(s)
	ctx, stop := context.WithCancel(context.Background())
	var processes sync.WaitGroup
	t.Cleanup(func() {
		stop()
		processes.Wait()
		listener.Close()
	})
	for _, name := range functions {
		processes.Go(func() {
			// The error reaches the tests through Invoke.
			_ = s.Run(ctx, runtimeapi.Process{
				Function: name, Binary: binary, Address: listener.Listener.Addr().String(),
				Environment: environment, Output: t.Output(),
			})
		})
	}
	return s
}

func TestInvoke(t *testing.T) {
	t.Parallel()
	s := start(t, nil, "one", "two")
	var all sync.WaitGroup
	for i := range 20 {
		name := []string{"one", "two"}[i%2]
		all.Go(func() {
			out, err := s.Invoke(t.Context(), name, fmt.Appendf(nil, `{"Text":"hello %d"}`, i))
			want := fmt.Sprintf(`"%s: hello %d arn:aws:lambda:local:123456789012:function:%s"`, name, i, name)
			if err != nil || string(out) != want {
				t.Errorf("answer %s, error %v; want %s", out, err, want)
			}
		})
	}
	all.Wait()
}

// A function learns the deadline of the context.
func TestDeadline(t *testing.T) {
	t.Parallel()
	s := start(t, nil, "one")
	at := time.Now().Add(time.Hour)
	ctx, cancel := context.WithDeadline(t.Context(), at)
	defer cancel()
	out, err := s.Invoke(ctx, "one", []byte(`{"Do":"deadline"}`))
	if want := `"` + at.UTC().Format(time.RFC3339) + `"`; err != nil || string(out) != want {
		t.Errorf("deadline %s, error %v; want %s", out, err, want)
	}
}

func TestFunctionError(t *testing.T) {
	t.Parallel()
	s := start(t, nil, "one")
	for do, want := range map[string]runtimeapi.FunctionError{
		"fail":     {Type: "errorString", Message: "no"},
		"overflow": {Type: "Function.ResponseSizeTooLarge", Message: "the answer exceeds 6291456 bytes"},
	} {
		_, err := s.Invoke(t.Context(), "one", []byte(`{"Do":"`+do+`","Text":"no"}`))
		if got, ok := errors.AsType[*runtimeapi.FunctionError](err); !ok || *got != want {
			t.Errorf("%s: error %v, want %v", do, err, want)
		}
	}
	// The process goes on after an error.
	if _, err := s.Invoke(t.Context(), "one", []byte(`{}`)); err != nil {
		t.Errorf("after the errors: %v", err)
	}
}

// A process that ends fails what it works on, and what comes after.
func TestProcessEnds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name        string
		environment map[string]string
		status      string
	}{
		{"at once", map[string]string{"BROKEN": "1"}, "exit status 3"},
		{"in an invocation", nil, "exit status 4"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := start(t, test.environment, "one")
			for range 2 {
				_, err := s.Invoke(t.Context(), "one", []byte(`{"Do":"crash"}`))
				if err == nil || !strings.Contains(err.Error(), test.status) {
					t.Errorf("error %v, want one with %q", err, test.status)
				}
			}
		})
	}
}

func TestMissingBinary(t *testing.T) {
	t.Parallel()
	s := runtimeapi.New("one")
	if err := s.Run(t.Context(), runtimeapi.Process{Function: "one", Binary: "testdata/absent"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Run returns %v", err)
	}
	if _, err := s.Invoke(t.Context(), "one", nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Invoke returns %v", err)
	}
}

func TestContextEnds(t *testing.T) {
	t.Parallel()
	s := runtimeapi.New("one")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Invoke(ctx, "one", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestUnknownFunction(t *testing.T) {
	t.Parallel()
	if _, err := runtimeapi.New("one").Invoke(t.Context(), "two", nil); err == nil || !strings.Contains(err.Error(), `"two"`) {
		t.Errorf("error %v", err)
	}
}

// What a process may ask for and what it may not.
func TestRequests(t *testing.T) {
	t.Parallel()
	s := runtimeapi.New("one", "two")
	result := make(chan error, 1)
	go func() {
		_, err := s.Invoke(t.Context(), "one", []byte(`{}`))
		result <- err
	}()
	send := func(method, path, body string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)))
		return w
	}
	id := send(http.MethodGet, "/one/2018-06-01/runtime/invocation/next", "").Header().Get("Lambda-Runtime-Aws-Request-Id")
	for _, test := range []struct {
		method, path, body string
		status             int
	}{
		{http.MethodGet, "/three/2018-06-01/runtime/invocation/next", "", 404},
		{http.MethodGet, "/one/2018-06-01/runtime/other", "", 404},
		{http.MethodPost, "/one/2018-06-01/runtime/invocation/x/response", "{}", 400},
		{http.MethodPost, "/two/2018-06-01/runtime/invocation/" + id + "/response", "{}", 400},
		{http.MethodPost, "/one/2018-06-01/runtime/invocation/" + id + "/error", "no JSON", 202},
		{http.MethodPost, "/one/2018-06-01/runtime/invocation/" + id + "/response", "{}", 400},
		{http.MethodPost, "/two/2018-06-01/runtime/init/error", `{"errorType":"T","errorMessage":"M"}`, 202},
	} {
		if w := send(test.method, test.path, test.body); w.Code != test.status {
			t.Errorf("%s %s: status %d, want %d", test.method, test.path, w.Code, test.status)
		}
	}
	if err := <-result; err == nil || !strings.Contains(err.Error(), "Runtime.Unknown") {
		t.Errorf("the invocation ends with %v", err)
	}
	if _, err := s.Invoke(t.Context(), "two", nil); err == nil || err.Error() != "T: M" {
		t.Errorf("after an error at the start: %v", err)
	}
}
