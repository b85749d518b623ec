package cli

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
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
