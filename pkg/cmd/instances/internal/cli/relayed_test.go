package cli

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"instances/pkg/cmd/instances/internal/relay"
)

// Many commands at once all work, with a server and without one.
func TestManyCommands(t *testing.T) {
	t.Parallel()
	for _, serving := range []bool{true, false} {
		dir := t.TempDir()
		s := startServe(t, dir)
		if !serving {
			s.stop()
		}
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				name := "key-" + string(rune('a'+i))
				if got := instances(t, dir, "keys", "create", "--name", name, "--allow", "*"); got.code != exitOK {
					t.Errorf("%s: %+v", name, got)
				}
			})
		}
		all.Wait()
		if list := listKeys(t, dir); len(list) != 9 {
			t.Errorf("serving %v: %d keys", serving, len(list))
		}
	}
}

// The process that serves does not serve for another one, and names what it
// does not understand.
func TestRelayedRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	startServe(t, dir)
	for name, test := range map[string]struct {
		request relay.Request
		code    int
		want    string
	}{
		"serve":           {relay.Request{Args: []string{"serve"}, Dir: dir}, exitUsage, "serve does not run within another process"},
		"command to come": {relay.Request{Args: []string{"bogus"}, Dir: dir}, exitUsage, "may be an older version of this command: restart that process"},
		"nothing":         {relay.Request{Dir: dir}, exitOK, ""},
	} {
		var stderr bytes.Buffer
		code, err := relay.Call(t.Context(), filepath.Join(dir, ".data"), test.request, nil, io.Discard, &stderr)
		if err != nil || code != test.code || !strings.Contains(stderr.String(), test.want) {
			t.Errorf("%s: code %d, error %v, stderr %q", name, code, err, stderr.String())
		}
	}
}

// What a killed server left does not keep the next one, nor a command.
func TestStaleSocket(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secretOf(t, instances(t, dir, "keys", "create", "--name", "ci", "--allow", "*"))
	l, err := relay.Listen(filepath.Join(dir, ".data"))
	if err != nil {
		t.Fatal(err)
	}
	// Closed as the system closes it: the socket stays.
	if err := l.UnixListener.Close(); err != nil {
		t.Fatal(err)
	}
	if list := listKeys(t, dir); len(list) != 1 {
		t.Errorf("%+v", list)
	}
	startServe(t, dir)
	if list := listKeys(t, dir); len(list) != 2 {
		t.Errorf("%+v", list)
	}
	if _, err := os.Stat(filepath.Join(dir, ".data", "serve.sock")); err != nil {
		t.Error(err)
	}
}

// event is a request of the REST API.
func event(t *testing.T, secret, id string) string {
	t.Helper()
	b, err := json.Marshal(map[string]any{
		"resource": "/flexdeploy/rest/v1/topology/instance/{Id}", "path": "/flexdeploy/rest/v1/topology/instance/" + id,
		"httpMethod": "GET", "headers": map[string]string{"Authorization": "Token " + secret},
		"multiValueHeaders": map[string][]string{"Authorization": {"Token " + secret}},
		"pathParameters":    map[string]string{"Id": id},
		"requestContext":    map[string]string{"requestId": "r-1", "path": "/flexdeploy/rest/v1/topology/instance/" + id},
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A function answers the same with and without a server: on standard output in
// one line, with its log on standard error.
func TestInvoke(t *testing.T) {
	t.Parallel()
	for _, serving := range []bool{false, true} {
		dir := t.TempDir()
		s := startServe(t, dir)
		secret := fileSecret(t, filepath.Join(dir, ".data"))
		if status, body := send(t, s.url, secret, "POST", "", newInstance); status != http.StatusCreated {
			t.Fatalf("%d %s", status, body)
		}
		if !serving {
			s.stop()
		}
		write(t, filepath.Join(dir, "event.json"), event(t, secret, "1"))
		for _, test := range []struct {
			name, function, from, stdin, want string
		}{
			{"file", "topology-get", "event.json", "", `"statusCode":200`},
			{"logical id", "TopologyGet", "event.json", "", `\"instanceCode\":\"ONE\"`},
			{"standard input", "topology-get", "-", event(t, secret, "2"), `"statusCode":404`},
			{"wrong key", "topology-get", "-", event(t, "x", "1"), `"statusCode":401`},
			{"no request", "topology-get", "-", `{"not": "a request"}`, `"statusCode":`},
		} {
			got := withInput(t, dir, test.stdin, "invoke", test.function, "--event", test.from, "--template", templatePath(t))
			if got.code != exitOK || strings.Count(got.stdout, "\n") != 1 || !json.Valid([]byte(got.stdout)) || !strings.Contains(got.stdout, test.want) {
				t.Errorf("serving %v, %s: %+v", serving, test.name, got)
			}
			if !strings.Contains(got.stderr, `"function_name":"topology-get"`) || strings.Contains(got.stderr, secret) {
				t.Errorf("serving %v, %s: log %s", serving, test.name, got.stderr)
			}
		}
		if serving {
			continue
		}
		for stdin, want := range map[string]string{"": "not JSON", "{": "not JSON", strings.Repeat(" ", maxEvent+1): "larger than"} {
			got := withInput(t, dir, stdin, "invoke", "topology-get", "--event", "-", "--template", templatePath(t))
			wantFailure(t, got, exitFailed, want)
		}
		got := instances(t, dir, "invoke", "topology-get", "--event", "absent.json", "--template", templatePath(t))
		wantFailure(t, got, exitFailed, filepath.Join(dir, "absent.json"))
	}
}
