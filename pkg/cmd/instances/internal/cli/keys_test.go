package cli

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"instances/pkg/auth"
	"instances/pkg/compute"
	"instances/pkg/execution"
	"instances/pkg/topology"
)

// secretOf returns the secret that a command printed, which must be all that
// it printed.
func secretOf(t *testing.T, r result) string {
	t.Helper()
	secret, ok := strings.CutSuffix(r.stdout, "\n")
	if r.code != exitOK || !ok || !auth.ValidSecret(secret) || r.stderr != "" {
		t.Fatalf("got %+v", r)
	}
	return secret
}

// The life of a key: made, refused a second time, listed, revoked, made again.
func TestKeys(t *testing.T) {
	everywhere(t, nothing, func(t *testing.T, s *somewhere) {
		create := []string{
			"keys", "create", "--name", "ci", "--owner", "team", "--allow", "topology:write,topology:read,topology:read",
			"--expires", "90d", "--compute-profile", "client",
		}
		first := secretOf(t, s.run(t, create...))
		wantFailure(t, s.run(t, create...), exitFailed, "a key named ci exists")
		secretOf(t, s.run(t, "keys", "create", "--name", "agent", "--allow", "*", "--compute-profile=document"))
		local := ""
		if s.served {
			local = "local  local  *                             -               2025-03-01T12:00:00Z  -                     -\n"
		}
		text := s.run(t, "keys", "list")
		wantOutput(t, text, `
NAME   OWNER  ALLOW                         PROFILES        CREATED               EXPIRES               REVOKED
agent  agent  *                             -               2025-03-01T12:00:00Z  -                     -
ci     team   topology:write,topology:read  compute=client  2025-03-01T12:00:00Z  2025-05-30T12:00:00Z  -
`+local)

		s.clock.advance(time.Hour)
		got := s.run(t, "keys", "revoke", "ci")
		if got.code != exitOK || got.stdout != "" || got.stderr != "The key ci was revoked at 2025-03-01T13:00:00Z.\n" {
			t.Errorf("revoke: %+v", got)
		}
		if again := s.run(t, "keys", "revoke", "--name", "ci"); again != got {
			t.Errorf("second revoke: %+v", again)
		}
		asJSON := s.run(t, "keys", "list", "--output", "json")
		for _, part := range []string{
			`"profiles": {},`, `"compute": "client"`, `"expires": null,`, `"expires": "2025-05-30T12:00:00Z",`,
			`"revoked": null`, `"revoked": "2025-03-01T13:00:00Z"`,
		} {
			if !strings.Contains(asJSON.stdout, part) {
				t.Errorf("no %s in %s", part, asJSON.stdout)
			}
		}
		if all := text.stdout + asJSON.stdout; strings.Contains(all, first) || strings.Contains(all, auth.Hash(first)) {
			t.Error("a secret or hash is listed")
		}
		wantFailure(t, s.run(t, "keys", "create", "--name", "ci", "--allow", "*"), exitFailed, "another owner")
		if second := secretOf(t, s.run(t, create...)); second == first {
			t.Error("the same secret twice")
		}
		wantFailure(t, s.run(t, "keys", "revoke", "bogus"), exitFailed, "no key named bogus")
	})
}

func listKeys(t *testing.T, dir string) []keyJSON {
	t.Helper()
	got := instances(t, dir, "keys", "list", "--output", "json")
	var list []keyJSON
	if err := json.Unmarshal([]byte(got.stdout), &list); err != nil || got.code != exitOK {
		t.Fatalf("%v in %+v", err, got)
	}
	return list
}

// A key does what it is allowed and no more, as its profile says, while the folder
// is served, and stops working at once.
func TestKeysWhileServing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := startServe(t, dir)
	const run = `{"idRef":"m","name":"One","mode":"ExecSync","user":"u","input":"x"}`
	const box = `{"name":"One","ask_price":1}`
	for _, test := range []struct {
		name, allow, profile, method, path, body string
		status                                   int
	}{
		{"reads", topology.ReadPermission, compute.DocumentProfile, "GET", topology.BasePath, "", http.StatusOK},
		{"only-reads", topology.ReadPermission, compute.DocumentProfile, "POST", topology.BasePath, newInstance, http.StatusForbidden},
		{"document", compute.WritePermission, compute.DocumentProfile, "POST", compute.BasePath, box, http.StatusOK},
		{"client", compute.WritePermission, compute.ClientProfile, "POST", compute.BasePath, box, http.StatusCreated},
		{"lists", execution.ReadPermission, compute.DocumentProfile, "GET", execution.BasePath + "/list", "", http.StatusOK},
		{"only-lists", execution.ReadPermission, compute.DocumentProfile, "PUT", execution.BasePath + "/create", run, http.StatusForbidden},
		{"creates", execution.WritePermission, compute.DocumentProfile, "PUT", execution.BasePath + "/create", run, http.StatusOK},
		{"only-creates", execution.WritePermission, compute.DocumentProfile, "GET", execution.BasePath + "/list", "", http.StatusForbidden},
		{"other", compute.WritePermission, compute.DocumentProfile, "GET", execution.BasePath + "/list", "", http.StatusForbidden},
	} {
		secret := secretOf(t, instances(t, dir, "keys", "create", "--name", test.name, "--allow", test.allow, "--compute-profile", test.profile))
		if status, body := sendTo(t, s.url+test.path, secret, test.method, test.body); status != test.status {
			t.Errorf("%s: %d %s", test.name, status, body)
		}
		if got := instances(t, dir, "keys", "revoke", test.name); got.code != exitOK {
			t.Errorf("%s: %+v", test.name, got)
		}
		if status, _ := sendTo(t, s.url+test.path, secret, test.method, test.body); status != http.StatusUnauthorized {
			t.Errorf("%s: revoked, it is answered %d", test.name, status)
		}
	}
	// From elsewhere, the folder is named.
	if got := instances(t, filepath.Dir(dir), "keys", "list", "--data", filepath.Join(filepath.Base(dir), ".data")); got.code != exitOK || !strings.Contains(got.stdout, "local") {
		t.Errorf("%+v", got)
	}
}

// The folder and the database are for their user alone.
func TestKeysCreateMakesFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secretOf(t, instances(t, dir, "keys", "create", "--allow", "*", "--name", "ci", "--data", "a/b"))
	for path, want := range map[string]os.FileMode{"a/b": os.ModeDir | 0o700, "a/b/" + databaseName: 0o600} {
		info, err := os.Stat(filepath.Join(dir, path))
		if err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
}

// No empty registry is made by a command that only looks.
func TestNoRegistry(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"keys list", "keys revoke ci", "gpus list", "gpus import -", "deleted topology", "restore topology 1", "history topology 1", "cleanup", "cleanup --dry-run", "invoke topology-get --event - --template TEMPLATE"} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			line = strings.ReplaceAll(line, "TEMPLATE", templatePath(t))
			got := instances(t, dir, strings.Fields(line)...)
			if got.code != exitFailed || !strings.Contains(got.stderr, "no registry in "+filepath.Join(dir, ".data")) || !strings.Contains(got.stderr, "--data") {
				t.Errorf("%+v", got)
			}
			if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
				t.Errorf("made %v, %v", entries, err)
			}
		})
	}
}

// A key whose secret reached nobody does not stay.
func TestKeysCreateOutputFails(t *testing.T) {
	t.Parallel()
	for _, serving := range []bool{false, true} {
		dir := t.TempDir()
		if serving {
			startServe(t, dir)
		}
		for name, err := range map[string]error{"disk": syscall.ENOSPC, "pipe": syscall.EPIPE} {
			var stderr bytes.Buffer
			code := execute(t.Context(), []string{"keys", "create", "--name", name, "--allow", "*"},
				environmentIn(dir, nil, brokenWriter{err}, &stderr))
			if code != exitFailed || !strings.Contains(stderr.String(), name+" was revoked") {
				t.Errorf("%v: code %d, stderr %q", err, code, stderr.String())
			}
		}
		list := listKeys(t, dir)
		for _, k := range list {
			if k.Revoked == nil && k.Name != localKey {
				t.Errorf("serving %v: %+v", serving, k)
			}
		}
		if len(list) < 2 {
			t.Errorf("serving %v: %+v", serving, list)
		}
	}
}

// Clients keep the secrets that they have. No output, file, log or process list
// shows one.
func TestKeysCreateSecretFrom(t *testing.T) {
	everywhere(t, nothing, func(t *testing.T, s *somewhere) {
		const token, password = "0fe1bd9a6c0f4f0fb41c7a9fb5c0d9be", "Zebra-Tango-41"
		for file, secret := range map[string]string{
			"token": token + "\n", "password": password + "\r\n", "again": token, "guessed": "Password1234\n",
			"short": "kL9#mQ2$vX7\n", "lines": password + "\n" + password + "\n", "large": strings.Repeat("kL9#", 2000), "empty": "\n",
		} {
			write(t, filepath.Join(s.dir, file), secret)
		}
		var output strings.Builder
		create := func(name, from string, code int, says string) {
			t.Helper()
			got := s.run(t, "keys", "create", "--name", name, "--owner", "team", "--allow", "topology:read", "--secret-from", from)
			if got.code != code || got.stdout != "" || !strings.Contains(got.stderr, says) {
				t.Errorf("%s from %s: got %+v, want %q", name, from, got, says)
			}
			output.WriteString(got.stdout + got.stderr)
		}
		create("ci", "token", exitOK, "The key ci has the secret from token.\n")
		create("jdoe", "password", exitOK, "The key jdoe has the secret from password.\n")
		create("two", "again", exitFailed, "another key has this secret")
		create("two", "password", exitFailed, "another key has this secret")
		create("jdoe", "token", exitFailed, "a key named jdoe exists")
		create("two", "guessed", exitFailed, "easy to guess")
		create("two", "short", exitFailed, "has 11 characters")
		create("two", "lines", exitFailed, "not printable ASCII")
		create("two", "large", exitFailed, "too large")
		create("two", "empty", exitFailed, "has 0 characters")
		create("two", "missing", exitFailed, "no such file")
		create("two", "", exitUsage, "--secret-from")

		list := s.run(t, "keys", "list", "--output", "json").stdout
		if !strings.Contains(list, `"jdoe"`) || strings.Contains(list, `"two"`) {
			t.Errorf("listed: %s", list)
		}
		output.WriteString(list)
		// Rotating is as ever.
		output.WriteString(s.run(t, "keys", "revoke", "jdoe").stderr)
		create("jdoe", "password", exitFailed, "another key has this secret")
		for _, secret := range []string{token, password, "Password1234"} {
			if strings.Contains(output.String(), secret) {
				t.Errorf("%s was printed: %s", secret, output.String())
			}
		}
	})
}

// No registry is made for a secret that is refused.
func TestKeysCreateSecretRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, secret := range []string{"Password1234", "short", ""} {
		var stdout, stderr bytes.Buffer
		e := environmentIn(dir, strings.NewReader(secret), &stdout, &stderr)
		if code := execute(t.Context(), []string{"keys", "create", "--name", "ci", "--allow", "*", "--secret-from", "-"}, e); code != exitFailed {
			t.Errorf("%q: got %d %s", secret, code, stderr.String())
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("made %v, %v", entries, err)
	}
}

func TestKeysCreateSecretFromStandardInput(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const token, password = "0fe1bd9a6c0f4f0fb41c7a9fb5c0d9be", "Zebra-Tango-41"
	s := startServe(t, dir)
	create := func(name, secret string) (shown string) {
		t.Helper()
		c := program(t, dir, "keys", "create", "--name", name, "--allow", "topology:read", "--secret-from", "-")
		var output, seen bytes.Buffer
		c.Stdout, c.Stderr = &output, &output
		in, err := c.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		// It waits for the rest meanwhile.
		if _, err := in.Write([]byte(secret)); err != nil {
			t.Error(err)
		}
		for _, file := range []string{"cmdline", "environ"} {
			// Other systems have none.
			b, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(c.Process.Pid), file))
			seen.Write(b)
		}
		if err := errors.Join(in.Close(), c.Wait()); err != nil {
			t.Errorf("%v: %s", err, output.String())
		}
		return seen.String() + output.String()
	}
	shown := create("ci", token) + create("jdoe", password)
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("jdoe:"+password))
	var answers bytes.Buffer
	for authorization, want := range map[string]int{"Token " + token: 200, basic: 200, "Token " + password: 401} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+topology.BasePath, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", authorization)
		response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if err := response.Write(&answers); err != nil || response.StatusCode != want {
			t.Errorf("with %s: got %d, %v, want %d", authorization, response.StatusCode, err, want)
		}
		_ = response.Body.Close()
	}
	s.stop()
	shown += answers.String() + s.stdout.String() + s.stderr.String()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		shown += string(b)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	for _, secret := range []string{token, password, basic[len("Basic "):]} {
		if strings.Contains(shown, secret) {
			t.Errorf("%s is in a file, a log, an answer or a process list", secret)
		}
	}
	if !strings.Contains(shown, "jdoe") || !strings.Contains(shown, "$scrypt$") || !strings.Contains(shown, `"status":200`) {
		t.Error("the files or the log were not seen")
	}
}
