package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"instances/pkg/internal/dev"
	"instances/pkg/rehearsal/runtimeapi"
	"instances/pkg/repository/dynamo/dynamotest"
	"instances/pkg/template"
)

// The tests run their own binary as a function that works for as long as its
// event says.
func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		os.Exit(dynamotest.Main(m))
	}
	startWorking()
}

// Three functions are measured besides the baselines; those that ask for no key,
// only with their sample events.
func TestRun(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("NOT TESTED: measures on Linux only")
	}
	table := dynamotest.NewTable(t)
	root, err := dev.Root()
	if err != nil {
		t.Fatal(err)
	}
	tmpl, err := template.Load(filepath.Join(root, "template.yaml"), template.With("Table", table.Name))
	if err != nil {
		t.Fatal(err)
	}
	m := measurement{root: root, rounds: 1, table: table, log: io.Discard}
	for _, name := range []string{"topology-get", "cleanup", "reference"} {
		f, _ := tmpl.Function(name)
		m.functions = append(m.functions, f)
	}
	rows, err := m.run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var stdout bytes.Buffer
	if err := writeTable(&stdout, rows, m.rounds); err != nil {
		t.Fatal(err)
	}
	const number = `\s+\d+\.\d+`
	for _, want := range []string{
		number + number + number + number + number + number + number + `\s+2\s+topology-get\n`,
		`\n` + number + number + `\s+\d+\s+cleanup\n`,
		`\n` + number + number + `\s+0\s+reference\n`,
		"medians of 1 starts",
		number + number + `\s+1\.000` + number + number + `\s+1\.00\s+usual way, roots as on provided`,
		`usual way, roots in one file`,
		number + number + number + `\s+1\.0` + number + number + `\s+empty handler`,
	} {
		if !regexp.MustCompile(want).MatchString(stdout.String()) {
			t.Errorf("no %s in\n%s", want, &stdout)
		}
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--rounds", "0"}, {"--rounds", "1001"}, {"--other"}, {"topology-get"}} {
		var stderr bytes.Buffer
		if err := run(t.Context(), "../../../..", args, io.Discard, &stderr); !errors.Is(err, dev.ErrUsage) || stderr.Len() == 0 {
			t.Errorf("%v: %v, %q", args, err, &stderr)
		}
	}
	err := run(t.Context(), "../../../..", []string{"--function", "other"}, io.Discard, io.Discard)
	if runtime.GOOS == "linux" && (err == nil || !strings.Contains(err.Error(), `no function "other"`)) {
		t.Errorf("unknown function: %v", err)
	}
}

// The chain is verified with its root, and with no other.
func TestFront(t *testing.T) {
	t.Parallel()
	certificate, root, err := newChain(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Host)
	}))
	t.Cleanup(engine.Close)
	f, err := newFront(engine.URL, certificate)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	for _, known := range []bool{true, false} {
		pool := x509.NewCertPool()
		if known && !pool.AppendCertsFromPEM(root) {
			t.Fatal("no root")
		}
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
		t.Cleanup(client.CloseIdleConnections)
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.URL, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			if known {
				t.Error(err)
			}
			continue
		}
		body, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if !known || response.ProtoMajor != 1 || len(response.TLS.PeerCertificates) != 2 || string(body) != strings.TrimPrefix(f.URL, "https://") {
			t.Errorf("root known: %v; %s with %d certificates, for %s", known, response.Proto, len(response.TLS.PeerCertificates), body)
		}
	}
	if n := f.requests.Load(); n != 1 {
		t.Errorf("%d requests were counted", n)
	}
}

// A function with a tenth of a processor takes about ten times as long.
func TestThrottle(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/schedstat"); err != nil {
		t.Skipf("NOT TESTED: %v", err)
	}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	server, err := runtimeapi.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	const memory, work = fullCPU / 10, 50 * time.Millisecond
	p, err := server.Start(runtimeapi.Function{Name: "work", Binary: binary, Timeout: time.Minute, MemoryMB: memory})
	if err != nil {
		t.Fatal(err)
	}
	throttled := make(chan struct{})
	go func() {
		defer close(throttled)
		throttle(p, memory)
	}()
	started := time.Now()
	if _, err := p.Invoke(t.Context(), []byte(`"`+work.String()+`"`)); err != nil {
		t.Fatal(err)
	}
	// A busy machine makes it slower, but nothing faster than this.
	if took := time.Since(started); took < 6*work {
		t.Errorf("%v of work took %v", work, took)
	}
	p.Stop()
	<-throttled
}

func TestMedian(t *testing.T) {
	t.Parallel()
	for want, times := range map[time.Duration][]time.Duration{2: {3, 1, 2}, 4: {5, 3, 9, 1}, 7: {7}} {
		if got := median(times); got != want {
			t.Errorf("median of %v is %d", times, got)
		}
	}
}

// What is built for the measurement is not among the project's packages.
func TestBaselinesAreApart(t *testing.T) {
	t.Parallel()
	list := exec.CommandContext(t.Context(), "go", "list", "./...")
	out, err := list.Output()
	if err != nil || strings.Contains(string(out), "testdata") {
		t.Errorf("packages: %s, %v", out, err)
	}
}
