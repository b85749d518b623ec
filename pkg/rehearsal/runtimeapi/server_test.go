package runtimeapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"instances/pkg/gateway"
	"instances/pkg/rehearsal/runtimeapi"
)

// The tests run their own binary as functions, with AWS's own runtime client,
// and as a program that runs a function and is killed.
func TestMain(m *testing.M) {
	switch {
	case os.Getenv("PARENT") != "":
		parent()
	case os.Getenv("AWS_LAMBDA_RUNTIME_API") == "":
		os.Exit(m.Run())
	case os.Getenv("START") == "crash":
		os.Exit(3)
	case os.Getenv("START") == "report":
		report()
	}
	lambda.Start(answer)
}

type question struct {
	Do, Text string
}

func answer(ctx context.Context, q question) (any, error) {
	switch q.Do {
	case "stream":
		return &streamed{question: q}, nil
	case "closed":
		return os.Getenv("CLOSED"), nil
	case "fail":
		return "", errors.New(q.Text)
	case "panic":
		panic(q.Text)
	case "crash":
		os.Exit(4)
	case "end":
		os.Exit(0)
	case "hang":
		fmt.Println("hanging")
		select {}
	case "overflow":
		return strings.Repeat("a", gateway.MaxEventBytes), nil
	case "deadline":
		at, _ := ctx.Deadline()
		return at.UTC().Format(time.RFC3339), nil
	case "trace":
		return os.Getenv("_X_AMZN_TRACE_ID"), nil
	case "environment":
		return strings.Join(os.Environ(), "\n"), nil
	case "process":
		return strconv.Itoa(os.Getpid()), nil
	}
	lc, _ := lambdacontext.FromContext(ctx)
	return fmt.Sprintf("%s: %s %s", lambdacontext.FunctionName, q.Text, lc.InvokedFunctionArn), nil
}

// report reports that the function cannot start, and does not exit.
func report() {
	response, err := http.Post("http://"+os.Getenv("AWS_LAMBDA_RUNTIME_API")+"/2018-06-01/runtime/init/error",
		"application/json", strings.NewReader(`{"errorType":"Config","errorMessage":"no table"}`))
	if err == nil {
		_ = response.Body.Close()
	}
	select {}
}

// parent runs a function that hangs.
func parent() {
	s, err := runtimeapi.Listen(context.Background())
	if err != nil {
		panic(err)
	}
	binary, err := os.Executable()
	if err != nil {
		panic(err)
	}
	// The function keeps the output open as long as it runs.
	p, err := s.Start(runtimeapi.Function{Name: "one", Binary: binary, Timeout: time.Hour, Output: os.Stdout})
	if err != nil {
		panic(err)
	}
	_, err = p.Invoke(context.Background(), []byte(`{"Do":"hang"}`))
	panic(err)
}

// function returns this binary as a function with a timeout of a minute.
func function(t *testing.T) runtimeapi.Function {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return runtimeapi.Function{
		Name: "one", Binary: binary, Timeout: time.Minute, MemoryMB: 256,
		Environment: map[string]string{"AWS_REGION": "eu-west-1"}, Output: t.Output(),
	}
}

func listen(t *testing.T) *runtimeapi.Server {
	t.Helper()
	s, err := runtimeapi.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func start(t *testing.T, f runtimeapi.Function) *runtimeapi.Process {
	t.Helper()
	p, err := listen(t).Start(f)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// ask invokes the function and returns its answer, a string.
func ask(t *testing.T, p *runtimeapi.Process, event string) string {
	t.Helper()
	out, err := p.Invoke(t.Context(), []byte(event))
	if err != nil {
		t.Fatalf("%s: %v", event, err)
	}
	var text string
	if err := json.Unmarshal(out, &text); err != nil {
		t.Fatal(err)
	}
	return text
}

// wantError checks that err is a FunctionError of that type with a message that
// matches.
func wantError(t *testing.T, err error, kind, message string) {
	t.Helper()
	e, ok := errors.AsType[*runtimeapi.FunctionError](err)
	if !ok || e.Type != kind || !regexp.MustCompile("^"+message+"$").MatchString(e.Message) {
		t.Errorf("error %v, want %s: %s", err, kind, message)
	}
}

const requestID = `RequestId: [0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`

func TestInvoke(t *testing.T) {
	t.Parallel()
	s := listen(t)
	var all sync.WaitGroup
	for _, name := range []string{"one", "two", "two"} {
		f := function(t)
		f.Name = name
		p, err := s.Start(f)
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			for i := range 10 {
				out, err := p.Invoke(t.Context(), fmt.Appendf(nil, `{"Text":"hello %d"}`, i))
				want := fmt.Sprintf(`"%s: hello %d arn:aws:lambda:eu-west-1:123456789012:function:%s"`, name, i, name)
				if err != nil || string(out) != want {
					t.Errorf("answer %s, error %v; want %s", out, err, want)
				}
			}
			if p.InitDuration() <= 0 {
				t.Errorf("it took %v to start", p.InitDuration())
			}
		})
	}
	all.Wait()
}

// The deadline of a function is its own, or that of the context if that is earlier.
func TestDeadline(t *testing.T) {
	t.Parallel()
	p := start(t, function(t))
	before := time.Now()
	at, err := time.Parse(time.RFC3339, ask(t, p, `{"Do":"deadline"}`))
	if err != nil {
		t.Fatal(err)
	}
	if at.Before(before.Add(time.Minute).Truncate(time.Second)) || at.After(time.Now().Add(time.Minute)) {
		t.Errorf("deadline %v, asked at %v", at, before)
	}
	sooner := time.Now().Add(30 * time.Second)
	ctx, cancel := context.WithDeadline(t.Context(), sooner)
	defer cancel()
	out, err := p.Invoke(ctx, []byte(`{"Do":"deadline"}`))
	if want := `"` + sooner.UTC().Format(time.RFC3339) + `"`; err != nil || string(out) != want {
		t.Errorf("deadline %s, error %v; want %s", out, err, want)
	}
}

func TestTrace(t *testing.T) {
	t.Parallel()
	p := start(t, function(t))
	const root = "Root=1-5759e988-bd862e3fe1be46a994272793"
	for _, name := range []string{"X-Amzn-Trace-Id", "x-amzn-trace-id"} {
		got := ask(t, p, `{"Do":"trace","headers":{"`+name+`":"`+root+`;Sampled=1"}}`)
		if !strings.HasPrefix(got, root+";Parent=") || !strings.HasSuffix(got, ";Sampled=0") {
			t.Errorf("trace of a request with %s is %q", name, got)
		}
	}
	other := ask(t, p, `{"Do":"trace"}`)
	if !regexp.MustCompile(`^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0$`).MatchString(other) {
		t.Errorf("trace of another event is %q", other)
	}
}

// The environment of a process is what Lambda sets and what its function has, and
// nothing from its parent.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	f := function(t)
	f.Environment["TABLE_NAME"] = "table"
	got := map[string]string{}
	for line := range strings.Lines(ask(t, start(t, f), `{"Do":"environment"}`)) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		got[name] = value
	}
	for name, want := range map[string]string{
		"TABLE_NAME": "table", "AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1",
		"AWS_LAMBDA_FUNCTION_NAME": "one", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "AWS_LAMBDA_FUNCTION_VERSION": `\$LATEST`,
		"AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand", "AWS_LAMBDA_LOG_FORMAT": "JSON",
		"AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/one", "AWS_LAMBDA_LOG_STREAM_NAME": `\d{4}/\d\d/\d\d/\[\$LATEST\]one\.1`,
		"AWS_LAMBDA_RUNTIME_API": `127\.0\.0\.1:\d+/one\.1`, "LAMBDA_TASK_ROOT": "/.+", "LANG": `en_US\.UTF-8`, "PATH": "/.+",
		"TZ": ":UTC", "_HANDLER": "bootstrap", "_X_AMZN_TRACE_ID": "Root=.+",
	} {
		if !regexp.MustCompile("^" + want + "$").MatchString(got[name]) {
			t.Errorf("%s=%s, want %s", name, got[name], want)
		}
		delete(got, name)
	}
	// The operating system may set it.
	delete(got, "PWD")
	if len(got) > 0 {
		t.Errorf("there is also %v", got)
	}
}

func TestFunctionError(t *testing.T) {
	t.Parallel()
	p := start(t, function(t))
	_, err := p.Invoke(t.Context(), []byte(`{"Do":"fail","Text":"no"}`))
	wantError(t, err, "errorString", "no")
	_, err = p.Invoke(t.Context(), []byte(`{"Do":"overflow"}`))
	wantError(t, err, "Function.ResponseSizeTooLarge", "the answer exceeds 6291456 bytes")
	// The process continues after these, but not after a panic.
	ask(t, p, `{}`)
	_, err = p.Invoke(t.Context(), []byte(`{"Do":"panic","Text":"oh"}`))
	wantError(t, err, "string", "oh")
	if _, err := p.Invoke(t.Context(), []byte(`{}`)); !errors.Is(err, runtimeapi.ErrEnded) {
		t.Errorf("after a panic: %v", err)
	}
}

// The end of a process is reported in Lambda's words.
func TestProcessEnds(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ start, event, kind, message string }{
		{"", `{"Do":"crash"}`, "Runtime.ExitError", requestID + " Error: Runtime exited with error: exit status 4"},
		{"", `{"Do":"end"}`, "Runtime.ExitError", requestID + " Error: Runtime exited without providing a reason"},
		{"crash", `{}`, "Runtime.ExitError", requestID + " Error: Runtime exited with error: exit status 3"},
		{"report", `{}`, "Config", "no table"},
	} {
		t.Run(test.start+test.event, func(t *testing.T) {
			t.Parallel()
			f := function(t)
			f.Environment["START"] = test.start
			p := start(t, f)
			_, err := p.Invoke(t.Context(), []byte(test.event))
			wantError(t, err, test.kind, test.message)
			<-p.Ended()
		})
	}
}

// An invocation that takes too long, or that nobody waits for any longer, ends the
// process.
func TestTimeout(t *testing.T) {
	t.Parallel()
	f := function(t)
	f.Timeout = 50 * time.Millisecond
	hangs := []byte(`{"Do":"hang"}`)

	p := start(t, f)
	_, err := p.Invoke(t.Context(), hangs)
	wantError(t, err, "Sandbox.Timedout", requestID+` Error: Task timed out after 0\.05 seconds`)
	<-p.Ended()

	p = start(t, function(t))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err = p.Invoke(ctx, hangs)
	wantError(t, err, "Sandbox.Timedout", requestID+` Error: Task timed out after 60\.00 seconds`)
	<-p.Ended()

	p = start(t, function(t))
	ctx, cancel = context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := p.Invoke(ctx, hangs)
		ended <- err
	}()
	<-p.Ready()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
	<-p.Ended()
}

func TestMissingBinary(t *testing.T) {
	t.Parallel()
	f := function(t)
	f.Binary = "testdata/absent"
	if _, err := listen(t).Start(f); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "process of one") {
		t.Errorf("error %v", err)
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	s, err := runtimeapi.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Start(function(t))
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	select {
	case <-p.Ended():
	default:
		t.Error("a process runs on")
	}
	if _, err := s.Start(function(t)); err == nil {
		t.Error("a process was started after it")
	}
}

// A process does not outlive the one that started it, even if that is killed while
// the function is working.
func TestLeash(t *testing.T) {
	t.Parallel()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), binary)
	cmd.Env = []string{"PARENT=1"}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(output)
	if line, err := lines.ReadString('\n'); err != nil || line != "hanging\n" {
		t.Fatalf("it says %q, %v", line, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	// The output ends when no process has it open.
	if rest, err := io.ReadAll(lines); err != nil || len(rest) > 0 {
		t.Errorf("it says %q, %v", rest, err)
	}
	_ = cmd.Wait()
}

// Invalid requests of a process are refused.
func TestRequests(t *testing.T) {
	t.Parallel()
	p := start(t, function(t))
	var address string
	for line := range strings.Lines(ask(t, p, `{"Do":"environment"}`)) {
		if at, ok := strings.CutPrefix(strings.TrimSpace(line), "AWS_LAMBDA_RUNTIME_API="); ok {
			address = "http://" + at
		}
	}
	for _, test := range []struct {
		method, path string
		status       int
	}{
		{http.MethodGet, "/../two.1/2018-06-01/runtime/invocation/next", 404},
		{http.MethodGet, "/2018-06-01/runtime/other", 404},
		{http.MethodPost, "/2018-06-01/runtime/invocation/x/response", 400},
		{http.MethodPost, "/2018-06-01/runtime/invocation/x/error", 400},
	} {
		request, err := http.NewRequestWithContext(t.Context(), test.method, address+test.path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != test.status {
			t.Errorf("%s %s: status %d, want %d", test.method, test.path, response.StatusCode, test.status)
		}
	}
}
