package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"instances/pkg/app/apptest/contract"
	"instances/pkg/compute"
	"instances/pkg/topology"
)

// watched is output that a test waits for.
type watched struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{}
}

func newWatched() *watched { return &watched{changed: make(chan struct{})} }

func (w *watched) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.changed)
	w.changed = make(chan struct{})
	return w.text.Write(b)
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// await waits until the output has a part, or ended is closed, and reports
// whether it has it.
func (w *watched) await(part string, ended <-chan struct{}) bool {
	for {
		w.mu.Lock()
		has, changed := strings.Contains(w.text.String(), part), w.changed
		w.mu.Unlock()
		if has {
			return true
		}
		select {
		case <-changed:
		case <-ended:
			return strings.Contains(w.String(), part)
		}
	}
}

// served is a running serve.
type served struct {
	dir, url       string
	stdout, stderr *watched
	ended          chan struct{}
	code           int
	interrupt      context.CancelFunc
}

// ready is part of the last line that serve prints when it is ready.
const ready = "/instances/create\n"

// startServe runs serve in a folder on a free port, until the test ends.
func startServe(t *testing.T, dir string, args ...string) *served {
	t.Helper()
	return startServeIn(t, environmentIn(dir, strings.NewReader(""), nil, nil), args...)
}

// startServeIn does so with the clock and the timer of an environment.
func startServeIn(t *testing.T, e environment, args ...string) *served {
	t.Helper()
	ctx, interrupt := context.WithCancel(context.Background())
	s := &served{dir: e.dir, stdout: newWatched(), stderr: newWatched(), ended: make(chan struct{}), interrupt: interrupt}
	e.stdout, e.stderr = s.stdout, s.stderr
	args = append([]string{"serve", "--addr", "127.0.0.1:0", "--template", templatePath(t)}, args...)
	go func() {
		defer close(s.ended)
		s.code = execute(ctx, args, e)
	}()
	t.Cleanup(func() { s.stop() })
	if !s.stdout.await(ready, s.ended) {
		t.Fatalf("serve ended with %d: %s", s.code, s.stderr)
	}
	s.url = regexp.MustCompile(`http://[0-9.:]+`).FindString(s.stdout.String())
	return s
}

// stop interrupts serve and returns its exit code.
func (s *served) stop() int {
	s.interrupt()
	<-s.ended
	return s.code
}

// send sends a request to the topology API with a secret and returns status
// and body.
func send(t *testing.T, url, secret, method, path, body string) (int, string) {
	t.Helper()
	return sendTo(t, url+topology.BasePath+path, secret, method, body)
}

// sendTo sends a request with a secret and returns status and body.
func sendTo(t *testing.T, url, secret, method, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Token "+secret)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	// Of its own, so that no connection stays idle.
	client := http.Client{Transport: contract.Transport(t, &http.Transport{DisableKeepAlives: true})}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(b)
}

const newInstance = `{"instanceName":"One","instanceCode":"ONE"}`

// What is created is there after a restart, and the key is the same.
func TestServe(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := startServe(t, dir)
	secret := fileSecret(t, filepath.Join(dir, ".data"))
	if status, body := send(t, s.url, secret, "POST", "", newInstance); status != http.StatusCreated {
		t.Fatalf("%d %s", status, body)
	}
	if status, body := send(t, s.url, "wrong", "GET", "/1", ""); status != http.StatusUnauthorized {
		t.Errorf("%d %s", status, body)
	}
	if status, body := send(t, s.url, secret, "GET", "/1/none", ""); status != http.StatusNotFound {
		t.Errorf("%d %s", status, body)
	}
	if code := s.stop(); code != exitOK {
		t.Errorf("exit code %d: %s", code, s.stderr)
	}
	if strings.Contains(s.stdout.String()+s.stderr.String(), secret) {
		t.Error("the secret was printed")
	}
	if entries, err := os.ReadDir(filepath.Join(dir, ".data")); err != nil || len(entries) != 2 {
		t.Errorf("the folder has %v, %v", entries, err)
	}

	again := startServe(t, dir)
	if fileSecret(t, filepath.Join(dir, ".data")) != secret {
		t.Error("another secret after a restart")
	}
	if status, body := send(t, again.url, secret, "GET", "/1", ""); status != http.StatusOK || !strings.Contains(body, `"ONE"`) {
		t.Errorf("%d %s", status, body)
	}
}

// Each request is one line of JSON, unless it is to be quiet.
func TestServeLogs(t *testing.T) {
	t.Parallel()
	for _, quiet := range []bool{false, true} {
		s := startServe(t, t.TempDir(), fmt.Sprintf("--quiet=%v", quiet))
		send(t, s.url, "wrong", "GET", "/1", "")
		s.stop()
		line, _, _ := strings.Cut(s.stderr.String(), "\n")
		if logged := strings.HasPrefix(line, "{") && strings.Contains(line, `"status":401`); logged == quiet {
			t.Errorf("quiet %v: logged %q", quiet, line)
		}
	}
}

// What net/http cannot read is answered as JSON too, with an id that is in the log,
// and ends the connection.
func TestServeAnswersUnreadableRequests(t *testing.T) {
	t.Parallel()
	s := startServe(t, t.TempDir())
	const get = "GET /instances/list HTTP/1.1\r\nHost: x\r\n"
	for request, want := range map[string]struct {
		status int
		detail string
	}{
		"nonsense\r\n\r\n":                                     {400, "The request is malformed."},
		"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n":                 {400, "The request is malformed."},
		"GET / HTTP/1.1\r\n\r\n":                               {400, "The request is malformed: missing required Host header."},
		get + "A b: c\r\n\r\n":                                 {400, "The request is malformed: invalid header name."},
		get + "A: \x01\r\n\r\n":                                {400, "The request is malformed."},
		get + "Content-Length: x\r\n\r\n":                      {400, "The request is malformed."},
		get + "Transfer-Encoding: gzip\r\n\r\n":                {501, "The transfer coding is not supported: send the body with its Content-Length, or chunked."},
		"GET / HTTP/3.0\r\nHost: x\r\n\r\n":                    {505, "The version of HTTP is not supported."},
		get + "Expect: cake\r\n\r\n":                           {417, "The only expectation that is supported is 100-continue."},
		get + "A: " + strings.Repeat("x", 40<<10) + "\r\n\r\n": {431, "The header of the request is too large."},
	} {
		status, header, body := exchangeRaw(t, s.url, request)
		var p struct {
			Title, Detail, Message, RequestID string
			Status                            int
		}
		if err := json.Unmarshal([]byte(body), &p); err != nil || status != want.status || p.Status != want.status ||
			p.Detail != want.detail || p.Message != want.detail || p.Title != http.StatusText(want.status) {
			t.Errorf("%.60q: got %d %s, want %d %s", request, status, body, want.status, want.detail)
		}
		if got := header.Get("Content-Type"); got != "application/problem+json" {
			t.Errorf("%.60q: got the type %q", request, got)
		}
		if p.RequestID == "" || header.Get("X-Request-Id") != p.RequestID || !strings.Contains(s.stderr.String(), p.RequestID) {
			t.Errorf("%.60q: the id %q is not in header and log", request, p.RequestID)
		}
	}
	// Answers of the API pass.
	status, header, body := exchangeRaw(t, s.url, get+"X-Request-Id: mine-1\r\nConnection: close\r\n\r\n")
	if status != http.StatusUnauthorized || header.Get("Vary") == "" || !strings.Contains(body, "Authorization: ApiKey") {
		t.Errorf("got %d %v %s", status, header, body)
	}
	if !strings.Contains(s.stderr.String(), `"client_request_id":"mine-1"`) {
		t.Errorf("the client's own id is not logged: %s", s.stderr)
	}
}

// exchangeRaw sends a request as it is and returns the answer, after which the
// server closes the connection.
func exchangeRaw(t *testing.T, url, request string) (status int, header http.Header, body string) {
	t.Helper()
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	// A server that has read enough may close before it has read all.
	_, _ = io.WriteString(c, request)
	in := bufio.NewReader(c)
	response, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(in); len(rest) > 0 {
		t.Errorf("after the answer comes %q, %v", rest, err)
	}
	return response.StatusCode, response.Header, string(b)
}

// The printed lines work in a shell, again, and after a restart.
func TestServePrintsLinesThatWork(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"sh", "curl", "cat"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("there is no %s: %v", tool, err)
		}
	}
	const data = "it's data"
	dir := t.TempDir()
	created := []string{`"instanceId":1,`, `"name":"Demo","status":1,`, `"otStatus":"created"`}
	again := []string{"is used by another instance", created[1], "already exists"}
	s := startServe(t, dir, "--data", data)
	paste(t, s, created)
	paste(t, s, again)
	s.stop()
	s = startServe(t, dir, "--data", data)
	paste(t, s, again)
	if _, list := sendTo(t, s.url+compute.BasePath, fileSecret(t, filepath.Join(dir, data)), "GET", ""); strings.Count(list, `"name":"Demo"`) != 1 {
		t.Errorf("the lines created %s", list)
	}
}

// paste runs the printed lines and checks what they print.
func paste(t *testing.T, s *served, want []string) {
	t.Helper()
	var lines []string
	for line := range strings.SplitSeq(s.stdout.String(), "\n") {
		if strings.HasPrefix(line, "curl ") {
			lines = append(lines, line)
		}
	}
	if len(lines) != len(want) {
		t.Fatalf("%d lines: %q", len(lines), lines)
	}
	for i, line := range lines {
		shell := exec.CommandContext(t.Context(), "sh", "-c", line)
		shell.Dir = s.dir
		out, err := shell.CombinedOutput()
		if err != nil || !strings.Contains(string(out), want[i]) || !strings.HasSuffix(string(out), "\n") {
			t.Errorf("%s\n%s\n%v", line, out, err)
		}
	}
}

// A second serve on the folder, and one on the address, say what is wrong.
func TestServeTwice(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := startServe(t, dir)
	got := instances(t, dir, "serve", "--addr", "127.0.0.1:0", "--template", templatePath(t))
	if got.code != exitFailed || got.stdout != "" || !strings.Contains(got.stderr, "the data folder "+filepath.Join(dir, ".data")+" open") || !strings.Contains(got.stderr, "--data") {
		t.Errorf("same folder: %+v", got)
	}
	host := strings.TrimPrefix(s.url, "http://")
	got = instances(t, t.TempDir(), "serve", "--addr", host, "--template", templatePath(t))
	if got.code != exitFailed || got.stdout != "" || !strings.Contains(got.stderr, "the address "+host+" is in use") || !strings.Contains(got.stderr, "--addr") {
		t.Errorf("same address: %+v", got)
	}
	if status, _ := send(t, s.url, fileSecret(t, filepath.Join(dir, ".data")), "GET", "", ""); status != http.StatusOK {
		t.Errorf("the first one answers %d", status)
	}
}

// The functions of the template and of the program are the same, or serve does
// not start.
func TestServeTemplate(t *testing.T) {
	t.Parallel()
	whole, err := os.ReadFile(templatePath(t))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ from, to, want string }{
		"function without code": {"functions/topology-get", "functions/topology-fetch", "no code for the function TopologyGet (topology-fetch)"},
		"code without function": {"functions/topology-get", "functions/topology-fetch", "no function topology-get, which this program has code for"},
		"no template at all":    {string(whole), "", "template"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, filepath.Join(dir, "template.yaml"), strings.ReplaceAll(string(whole), test.from, test.to))
			got := instances(t, dir, "serve", "--addr", "127.0.0.1:0")
			if got.code != exitFailed || !strings.Contains(got.stderr, test.want) {
				t.Errorf("%+v", got)
			}
			if _, err := os.Stat(filepath.Join(dir, ".data")); err == nil {
				t.Error("a data folder was made")
			}
		})
	}
	got := instances(t, t.TempDir(), "serve", "--addr", "127.0.0.1:0")
	if got.code != exitFailed || !strings.Contains(got.stderr, "no template template.yaml") || !strings.Contains(got.stderr, "--template") {
		t.Errorf("no file: %+v", got)
	}
}

func TestAddress(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ flag, port, want string }{
		{"", "", "127.0.0.1:3000"},
		{"", "8080", "127.0.0.1:8080"},
		{"127.0.0.1:1", "8080", "127.0.0.1:1"},
		{":1", "bogus", ":1"},
	} {
		if got, err := address(test.flag, test.port); err != nil || got != test.want {
			t.Errorf("%+v: %q, %v", test, got, err)
		}
	}
	for _, port := range []string{"bogus", "-1", "65536", "127.0.0.1:80"} {
		if got, err := address("", port); err == nil || !strings.Contains(err.Error(), "PORT") {
			t.Errorf("%s: %q, %v", port, got, err)
		}
	}
}

// A request that runs when the server is told to stop is finished.
func TestServeFinishesRequests(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := startServe(t, dir)
	secret := fileSecret(t, filepath.Join(dir, ".data"))
	conn := unfinishedRequest(t, s.url, secret)
	defer func() { _ = conn.Close() }()
	s.interrupt()
	if !s.stderr.await("Finishing the running requests", s.ended) {
		t.Fatalf("ended with %d: %s", s.code, s.stderr)
	}
	if _, err := io.WriteString(conn, newInstance); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusCreated {
		t.Errorf("status %d", response.StatusCode)
	}
	<-s.ended
	if s.code != exitOK {
		t.Errorf("exit code %d: %s", s.code, s.stderr)
	}
	again := startServe(t, dir)
	if status, body := send(t, again.url, secret, "GET", response.Header.Get("Location")[len(topology.BasePath):], ""); status != http.StatusOK {
		t.Errorf("%d %s", status, body)
	}
}
