package rehearsal_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"instances/pkg/gateway"
	"instances/pkg/rehearsal"
	"instances/pkg/rehearsal/runtimeapi"
	"instances/pkg/repository/dynamo/dynamotest"
	"instances/pkg/template"
)

// The tests run their own binary as a function, with AWS's own runtime client.
func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		os.Exit(dynamotest.Main(m))
	}
	if os.Getenv("START") == "crash" {
		os.Exit(3)
	}
	lambda.Start(answer)
}

// answer does what the query parameter says and answers with the process ID.
func answer(ctx context.Context, request struct {
	Query map[string]string `json:"queryStringParameters"`
},
) (any, error) {
	switch at := request.Query["at"]; request.Query["do"] {
	case "fail":
		return nil, errors.New("broken")
	case "panic":
		panic("oh")
	case "crash":
		os.Exit(4)
	case "hang":
		select {}
	case "meet":
		// The request blocks until the test continues.
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, http.NoBody)
		if err != nil {
			return nil, err
		}
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			return nil, err
		}
		_ = response.Body.Close()
	case "stream":
		return &events.APIGatewayProxyStreamingResponse{StatusCode: http.StatusOK, Body: strings.NewReader(strconv.Itoa(os.Getpid()))}, nil
	case "environment":
		return map[string]any{"statusCode": 200, "body": os.Getenv(at)}, nil
	}
	return map[string]any{"statusCode": 200, "body": strconv.Itoa(os.Getpid())}, nil
}

// event returns an event with query parameters.
func event(t *testing.T, query map[string]string) []byte {
	t.Helper()
	data, err := json.Marshal(map[string]any{"queryStringParameters": query})
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// stage is a rehearsal of one function.
type stage struct {
	*rehearsal.Functions
	template *template.Template

	mu    sync.Mutex
	colds []rehearsal.ColdStart
}

// start rehearses this binary as a function with a timeout of a minute.
func start(t *testing.T, change func(*template.Function, *rehearsal.Options)) *stage {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.Symlink(binary, filepath.Join(folder, "one")); err != nil {
		t.Fatal(err)
	}
	s := &stage{}
	f := template.Function{
		Name: "one", LogicalID: "One", Timeout: time.Minute, MemoryMB: 256,
		Environment: map[string]string{"TABLE_NAME": "table"},
	}
	o := rehearsal.Options{
		Folder: folder, Output: t.Output(), Environment: map[string]string{"AWS_REGION": "eu-west-1"},
		ColdStart: func(c rehearsal.ColdStart) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.colds = append(s.colds, c)
		},
	}
	if change != nil {
		change(&f, &o)
	}
	s.template = &template.Template{
		Functions: []template.Function{f},
		API: template.API{Resources: []template.Resource{
			{Path: "/one", Methods: map[string]template.Method{"GET": {Function: "One"}}},
		}},
	}
	o.Template = s.template
	if s.Functions, err = rehearsal.New(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// ask invokes the function and returns the body of its answer.
func (s *stage) ask(t *testing.T, query map[string]string) string {
	t.Helper()
	out, err := s.Invoke(t.Context(), "one", event(t, query))
	if err != nil {
		t.Fatalf("%v: %v", query, err)
	}
	var a struct{ Body string }
	if err := json.Unmarshal(out, &a); err != nil {
		t.Fatal(err)
	}
	return a.Body
}

// started returns the number of processes that have had their first request.
func (s *stage) started() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.colds)
}

// Sequential requests use one process, which starts with the first request and has
// the environment of the template.
func TestInvoke(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	if n := s.started(); n != 0 {
		t.Errorf("%d processes before the first request", n)
	}
	first := s.ask(t, nil)
	for range 5 {
		if got := s.ask(t, nil); got != first {
			t.Errorf("process %s, the first was %s", got, first)
		}
	}
	for name, want := range map[string]string{"TABLE_NAME": "table", "AWS_REGION": "eu-west-1", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256"} {
		if got := s.ask(t, map[string]string{"do": "environment", "at": name}); got != want {
			t.Errorf("%s=%s, want %s", name, got, want)
		}
	}
	if out, err := s.Invoke(t.Context(), "One", []byte(`{}`)); err != nil || !strings.Contains(string(out), first) {
		t.Errorf("by its logical id it answers %s, %v", out, err)
	}
	if _, err := s.Invoke(t.Context(), "two", nil); err == nil || err.Error() != `there is no function "two"` {
		t.Errorf("error %v", err)
	}
	if s.started() != 1 {
		t.Fatalf("%d processes started", s.started())
	}
	if c := s.colds[0]; c.Function != "one" || c.Init <= 0 || c.Request <= 0 || c.Err != nil {
		t.Errorf("cold start: %+v", c)
	}
}

// Concurrent requests use separate processes, up to the limit.
func TestConcurrency(t *testing.T) {
	t.Parallel()
	const limit = 3
	s := start(t, func(_ *template.Function, o *rehearsal.Options) { o.Limit = limit })
	arrived, goOn := make(chan struct{}, 2*limit), make(chan struct{})
	place := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-goOn
	}))
	t.Cleanup(place.Close)

	processes := make(chan string, limit+1)
	var all sync.WaitGroup
	for range limit + 1 {
		all.Go(func() { processes <- s.ask(t, map[string]string{"do": "meet", "at": place.URL}) })
	}
	for range limit {
		<-arrived
	}
	// All are busy, so another request times out.
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := s.Invoke(ctx, "one", []byte(`{}`)); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "all 3 processes of one are busy") {
		t.Errorf("beyond the limit: %v", err)
	}
	close(goOn)
	all.Wait()
	close(processes)
	distinct := map[string]bool{}
	for p := range processes {
		distinct[p] = true
	}
	if len(distinct) != limit || s.started() != limit {
		t.Errorf("%d processes answered, %d started, want %d", len(distinct), s.started(), limit)
	}
}

// A process is busy until its stream is closed.
func TestStream(t *testing.T) {
	t.Parallel()
	s := start(t, func(_ *template.Function, o *rehearsal.Options) { o.Limit = 1 })
	first := s.ask(t, nil)
	streams := event(t, map[string]string{"do": "stream"})
	for range 2 {
		out, err := s.Stream(t.Context(), "One", streams)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := s.Stream(ctx, "one", streams); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "all 1 processes of one are busy") {
			t.Errorf("beyond the limit: %v", err)
		}
		if all, err := io.ReadAll(out); err != nil || string(all) != `{"statusCode":200}`+gateway.Delimiter+first {
			t.Errorf("answer %q, %v; the process was %s", all, err, first)
		}
		for range 2 {
			if err := out.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	if _, err := s.Stream(t.Context(), "two", nil); err == nil || err.Error() != `there is no function "two"` {
		t.Errorf("error %v", err)
	}
}

// Whoever wants a streamed answer buffered gets what a function returns that does
// not stream.
func TestInvokeStream(t *testing.T) {
	t.Parallel()
	s := start(t, func(f *template.Function, _ *rehearsal.Options) { f.Routes = []template.Route{{Stream: f.Timeout}} })
	first := s.ask(t, map[string]string{"do": "stream"})
	if again := s.ask(t, map[string]string{"do": "stream"}); first == "" || again != first || s.started() != 1 {
		t.Errorf("process %s, the first was %q", again, first)
	}
}

// Failures are worded as Lambda words them, and the next request has a process.
func TestFailures(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		do, kind, message string
		same              bool
	}{
		{"fail", "errorString", "broken", true},
		// The process ends after reporting it.
		{"panic", "string", "oh", false},
		{"crash", "Runtime.ExitError", "Error: Runtime exited with error: exit status 4", false},
		{"hang", "Sandbox.Timedout", "Error: Task timed out after 1.00 seconds", false},
	} {
		t.Run(test.do, func(t *testing.T) {
			t.Parallel()
			s := start(t, func(f *template.Function, _ *rehearsal.Options) { f.Timeout = time.Second })
			first := s.ask(t, nil)
			_, err := s.Invoke(t.Context(), "one", event(t, map[string]string{"do": test.do}))
			e, ok := errors.AsType[*runtimeapi.FunctionError](err)
			if !ok || e.Type != test.kind || !strings.HasSuffix(e.Message, test.message) {
				t.Errorf("error %v, want %s: %s", err, test.kind, test.message)
			}
			if again := s.ask(t, nil); (again == first) != test.same {
				t.Errorf("process %s before, %s after it", first, again)
			}
		})
	}
}

func TestStartFails(t *testing.T) {
	t.Parallel()
	s := start(t, func(f *template.Function, _ *rehearsal.Options) { f.Environment["START"] = "crash" })
	for range 2 {
		_, err := s.Invoke(t.Context(), "one", []byte(`{}`))
		if err == nil || !strings.HasSuffix(err.Error(), "Error: Runtime exited with error: exit status 3") {
			t.Errorf("error %v", err)
		}
	}
	if s.started() != 2 || s.colds[0].Err == nil {
		t.Errorf("cold starts: %+v", s.colds)
	}
}

// Behind the gateway a failure is a 502, as on AWS.
func TestGateway(t *testing.T) {
	t.Parallel()
	s := start(t, func(f *template.Function, _ *rehearsal.Options) { f.Timeout = time.Second })
	api, err := gateway.New(s.template, s, gateway.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		do     string
		status int
	}{{"", 200}, {"fail", 502}, {"crash", 502}, {"hang", 502}, {"", 200}} {
		w := httptest.NewRecorder()
		api.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/one?do="+test.do, http.NoBody))
		if w.Code != test.status {
			t.Errorf("%q: status %d, want %d: %s", test.do, w.Code, test.status, w.Body)
		}
	}
}
