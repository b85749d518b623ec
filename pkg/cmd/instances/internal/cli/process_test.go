package cli

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"instances/pkg/repository/dynamo/dynamotest"
	"instances/pkg/topology"
)

// process is serve as a process of its own.
type process struct {
	command        *exec.Cmd
	url            string
	stdout, stderr *watched
	// ended is closed when the process has ended.
	ended chan struct{}
}

// runVariable makes this test binary the program.
const runVariable = "INSTANCES_TEST_RUN"

func TestMain(m *testing.M) {
	if os.Getenv(runVariable) != "" {
		os.Exit(Run())
	}
	os.Exit(dynamotest.Main(m))
}

// program returns the program with these arguments, to run in a folder.
func program(t *testing.T, dir string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self, args...)
	c.Dir, c.Env = dir, append(os.Environ(), runVariable+"=true")
	return c
}

// startProcess starts serve as a process of its own, until the test ends.
func startProcess(t *testing.T, dir string) *process {
	t.Helper()
	p := &process{stdout: newWatched(), stderr: newWatched(), ended: make(chan struct{})}
	p.command = program(t, dir, "serve", "--addr", "127.0.0.1:0", "--template", templatePath(t))
	p.command.Stdout, p.command.Stderr = p.stdout, p.stderr
	if err := p.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.command.Wait()
	}()
	t.Cleanup(func() {
		_ = p.command.Process.Kill()
		<-p.ended
	})
	if !p.stdout.await(ready, p.ended) {
		t.Fatalf("ended: %v: %s", p.command.ProcessState, p.stderr)
	}
	p.url = regexp.MustCompile(`http://[0-9.:]+`).FindString(p.stdout.String())
	return p
}

// end sends a signal and waits until the process has ended.
func (p *process) end(t *testing.T, s os.Signal) *os.ProcessState {
	t.Helper()
	if err := p.command.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
	<-p.ended
	return p.command.ProcessState
}

// As a process of its own: what was answered survives kill -9, as does the key,
// and signals end the program as they should.
func TestProcess(t *testing.T) {
	t.Parallel()
	t.Run("kill -9", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		data := filepath.Join(dir, ".data")
		p := startProcess(t, dir)
		secret := fileSecret(t, data)
		status, body := send(t, p.url, secret, "POST", "", newInstance)
		if status != http.StatusCreated {
			t.Fatalf("%d %s", status, body)
		}
		if state := p.end(t, syscall.SIGKILL); state.Success() {
			t.Errorf("ended with %v", state)
		}
		if _, err := os.Stat(filepath.Join(data, "serve.sock")); err != nil {
			t.Errorf("the socket is gone without a trace: %v", err)
		}
		p = startProcess(t, dir)
		if fileSecret(t, data) != secret {
			t.Error("another secret")
		}
		if status, again := send(t, p.url, secret, "GET", "/1", ""); status != http.StatusOK || again != body {
			t.Errorf("%d %s, want %s", status, again, body)
		}
		if out, err := program(t, dir, "keys", "list").CombinedOutput(); err != nil || !strings.Contains(string(out), localKey) {
			t.Errorf("keys list: %v: %s", err, out)
		}
	})
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			p := startProcess(t, dir)
			if state := p.end(t, s); state.ExitCode() != exitOK {
				t.Errorf("ended with %v: %s", state, p.stderr)
			}
			if entries, err := os.ReadDir(filepath.Join(dir, ".data")); err != nil || len(entries) != 2 {
				t.Errorf("the folder has %v, %v", entries, err)
			}
		})
	}
	t.Run("second interrupt", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		p := startProcess(t, dir)
		conn := unfinishedRequest(t, p.url, fileSecret(t, filepath.Join(dir, ".data")))
		defer func() { _ = conn.Close() }()
		if err := p.command.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		if !p.stderr.await("Finishing the running requests", p.ended) {
			t.Fatalf("ended with %v: %s", p.command.ProcessState, p.stderr)
		}
		state := p.end(t, os.Interrupt)
		if status, ok := state.Sys().(syscall.WaitStatus); !ok || !status.Signaled() || status.Signal() != syscall.SIGINT {
			t.Errorf("ended with %v", state)
		}
	})
	t.Run("closed pipe", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Close()
		defer func() { _ = w.Close() }()
		var stderr bytes.Buffer
		create := program(t, dir, "keys", "create", "--name", "ci", "--allow", "*")
		create.Stdout, create.Stderr = w, &stderr
		_ = create.Run()
		if create.ProcessState.ExitCode() != exitFailed || !strings.Contains(stderr.String(), "ci was revoked") {
			t.Errorf("ended with %v: %s", create.ProcessState, &stderr)
		}
	})
}

// unfinishedRequest sends the head of a request that creates an instance, and
// returns when the server waits for the body.
func unfinishedRequest(t *testing.T, url, secret string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nAuthorization: Token %s\r\nContent-Type: application/json\r\n"+
		"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n", topology.BasePath, secret, len(newInstance))
	if _, err := io.WriteString(conn, head); err != nil {
		t.Fatal(err)
	}
	const wanted = "HTTP/1.1 100 Continue\r\n\r\n"
	got := make([]byte, len(wanted))
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != wanted {
		t.Fatalf("%q, %v", got, err)
	}
	return conn
}
