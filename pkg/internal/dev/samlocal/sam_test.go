package samlocal_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"instances/pkg/repository/dynamo/dynamotest"
)

const (
	// invokeTimeout is how long one call of a function may take, with the
	// first one's image and on a busy machine.
	invokeTimeout = 2 * time.Minute
	// startTimeout and stopTimeout are for the server of sam local start-api.
	startTimeout = time.Minute
	stopTimeout  = 30 * time.Second
)

// sam runs the functions that were built, on a table.
type sam struct {
	built string
	// environment is a file with the variables of the functions.
	environment string
}

// containerHost is this machine, as a container sees it.
const containerHost = "host.docker.internal"

func newSAM(t *testing.T, built string, table dynamotest.Table) sam {
	t.Helper()
	endpoint, err := url.Parse(table.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	variables := map[string]string{
		"AWS_ENDPOINT_URL_DYNAMODB": "http://" + net.JoinHostPort(containerHost, containerPort(t, endpoint)),
	}
	for _, name := range []string{"TABLE_NAME", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		variables[name] = table.Getenv(name)
	}
	data, err := json.Marshal(map[string]any{"Parameters": variables})
	if err != nil {
		t.Fatal(err)
	}
	s := sam{built, filepath.Join(t.TempDir(), "environment.json")}
	if err := os.WriteFile(s.environment, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// containerPort returns the port at which containers reach the engine, which
// listens on the loopback address only. On Linux they see this machine at the
// address of Docker's bridge, where a proxy listens until the test ends. Docker
// Desktop, whose bridge is elsewhere, takes them to the loopback address.
func containerPort(t *testing.T, engine *url.URL) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "docker", "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}").Output()
	if err != nil {
		t.Fatalf("docker network inspect: %v", err)
	}
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort(strings.TrimSpace(string(out)), "0"))
	if errors.Is(err, syscall.EADDRNOTAVAIL) {
		return engine.Port()
	}
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httptest.Server{Listener: l, Config: &http.Server{Handler: httputil.NewSingleHostReverseProxy(engine)}}
	proxy.Start()
	t.Cleanup(proxy.Close)
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

// command returns a command of sam local. It finds no credentials: with some,
// it would ask AWS whose they are.
func (s sam) command(ctx context.Context, args ...string) *exec.Cmd {
	architecture := map[string]string{"amd64": "x86_64"}[runtime.GOARCH]
	if architecture == "" {
		architecture = runtime.GOARCH
	}
	cmd := exec.CommandContext(ctx, "sam", append([]string{"local"}, append(args,
		"--template", s.built, "--env-vars", s.environment, "--parameter-overrides", "Architecture="+architecture,
		"--add-host", containerHost+":host-gateway", "--skip-pull-image", "--region", "us-east-1")...)...)
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "AWS_") {
			cmd.Env = append(cmd.Env, variable)
		}
	}
	cmd.Env = append(cmd.Env, "SAM_CLI_TELEMETRY=0", "AWS_CONFIG_FILE="+os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_EC2_METADATA_DISABLED=true")
	// SAM removes its containers when it is interrupted.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = stopTimeout
	return cmd
}

// invoke runs sam local invoke and returns what the function returned.
func (s sam) invoke(t *testing.T, logicalID string, event []byte) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), invokeTimeout)
	defer cancel()
	cmd := s.command(ctx, "invoke", logicalID, "--event", "-")
	var log bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(event), &log
	out, err := cmd.Output()
	if err != nil || len(bytes.TrimSpace(out)) == 0 {
		t.Fatalf("sam local invoke %s: %v\n%s%s", logicalID, err, out, &log)
	}
	return out
}

// serve runs sam local start-api until the test ends, and returns its URL.
func (s sam) serve(t *testing.T) string {
	t.Helper()
	port := freePort(t)
	cmd := s.command(context.Background(), "start-api", "--port", port)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	running, ended := make(chan struct{}), make(chan string, 1)
	go func() {
		log := logOf(stderr, "Running on http://127.0.0.1:"+port, running)
		ended <- fmt.Sprintf("%v\n%s", cmd.Wait(), log)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case how := <-ended:
			if t.Failed() {
				t.Logf("sam local start-api ended: %s", how)
			}
		case <-time.After(stopTimeout):
			_ = cmd.Process.Signal(syscall.SIGKILL)
			t.Errorf("sam local start-api did not end: %s", <-ended)
		}
	})
	select {
	case <-running:
	case how := <-ended:
		ended <- how
		t.Fatalf("sam local start-api ended: %s", how)
	case <-time.After(startTimeout):
		t.Fatal("sam local start-api does not start")
	}
	return "http://127.0.0.1:" + port
}

// logOf reads a log to its end, and says when it has a line with the text.
func logOf(r io.Reader, text string, found chan<- struct{}) string {
	var log strings.Builder
	for lines := bufio.NewScanner(r); lines.Scan(); {
		log.WriteString(lines.Text() + "\n")
		if found != nil && strings.Contains(lines.Text(), text) {
			close(found)
			found = nil
		}
	}
	return log.String()
}

// freePort returns a port of this machine that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}
