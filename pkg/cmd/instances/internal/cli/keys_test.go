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

// The life of a key: made, listed, refused a second time, revoked, made again.
func TestKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	create := []string{"keys", "create", "--name", "ci", "--owner", "team", "--allow", "topology:write,topology:read,topology:read", "--expires", "90d"}
	first := secretOf(t, instances(t, dir, create...))

	before := time.Now()
	list := listKeys(t, dir)
	if len(list) != 1 {
		t.Fatalf("%d keys", len(list))
	}
	k := list[0]
	if k.Name != "ci" || k.Owner != "team" || strings.Join(k.Allow, " ") != "topology:write topology:read" || k.Revoked != nil {
		t.Errorf("%+v", k)
	}
	if k.Created.After(before) || k.Expires == nil || k.Expires.Sub(k.Created) != 90*24*time.Hour {
		t.Errorf("created %v, expires %v", k.Created, k.Expires)
	}

	if got := instances(t, dir, create...); got.code != exitFailed || got.stdout != "" || !strings.Contains(got.stderr, "a key named ci exists") {
		t.Errorf("second create: %+v", got)
	}
	if got := instances(t, dir, "keys", "revoke", "ci"); got.code != exitOK || got.stdout != "" || !strings.Contains(got.stderr, "ci was revoked at") {
		t.Errorf("revoke: %+v", got)
	}
	if got := instances(t, dir, "keys", "revoke", "--name", "ci"); got.code != exitOK {
		t.Errorf("second revoke: %+v", got)
	}
	if k := listKeys(t, dir)[0]; k.Revoked == nil {
		t.Errorf("%+v", k)
	}
	if got := instances(t, dir, "keys", "create", "--name", "ci", "--allow", "*"); got.code != exitFailed || !strings.Contains(got.stderr, "another owner") {
		t.Errorf("create for another owner: %+v", got)
	}
	if second := secretOf(t, instances(t, dir, create...)); second == first {
		t.Error("the same secret twice")
	}
	if got := instances(t, dir, "keys", "revoke", "bogus"); got.code != exitFailed || !strings.Contains(got.stderr, "no key named bogus") {
		t.Errorf("revoke of none: %+v", got)
	}
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

// Only a profile that is not the default is kept, and the list always has an
// object.
func TestKeysComputeProfile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, args := range map[string][]string{
		"a": {"--compute-profile", "client"}, "b": {"--compute-profile=document"}, "c": nil,
	} {
		secretOf(t, instances(t, dir, append([]string{"keys", "create", "--name", name, "--allow", "compute:read"}, args...)...))
	}
	want := map[string]string{"a": `{"compute":"client"}`, "b": `{}`, "c": `{}`}
	for _, k := range listKeys(t, dir) {
		if got, err := json.Marshal(k.Profiles); err != nil || string(got) != want[k.Name] {
			t.Errorf("%s: %s, %v; want %s", k.Name, got, err, want[k.Name])
		}
	}
}

// The profile of a key decides how the API answers it.
func TestKeysComputeProfileAnswers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := startServe(t, dir)
	for profile, want := range map[string]int{compute.ClientProfile: http.StatusCreated, compute.DocumentProfile: http.StatusOK} {
		secret := secretOf(t, instances(t, dir, "keys", "create", "--name", profile, "--allow", "compute:write", "--compute-profile", profile))
		status, body := sendTo(t, s.url+compute.BasePath, secret, "POST", `{"name":"One","ask_price":1}`)
		if status != want {
			t.Errorf("%s: %d %s", profile, status, body)
		}
	}
}

// A key for the execution API may do there what it is allowed, and no more.
func TestKeysExecution(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := startServe(t, dir)
	for name, test := range map[string]struct {
		allow       string
		read, write int
	}{
		"reader": {execution.ReadPermission, http.StatusOK, http.StatusForbidden},
		"writer": {execution.WritePermission, http.StatusForbidden, http.StatusOK},
		"other":  {compute.WritePermission, http.StatusForbidden, http.StatusForbidden},
	} {
		secret := secretOf(t, instances(t, dir, "keys", "create", "--name", name, "--allow", test.allow))
		api := s.url + execution.BasePath
		if status, body := sendTo(t, api+"/list", secret, "GET", ""); status != test.read {
			t.Errorf("%s lists: %d %s", name, status, body)
		}
		status, body := sendTo(t, api+"/create", secret, "PUT", `{"idRef":"m","name":"One","mode":"ExecSync","user":"u","input":"x"}`)
		if status != test.write {
			t.Errorf("%s creates: %d %s", name, status, body)
		}
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

func TestKeysListText(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secret := secretOf(t, instances(t, dir, "keys", "create", "--name", "zeta", "--allow", "*"))
	secretOf(t, instances(t, dir, "keys", "create", "--name", "alpha", "--owner", "zeta", "--allow", "topology:read", "--compute-profile", "client"))
	got := instances(t, dir, "keys", "list")
	lines := strings.Split(got.stdout, "\n")
	if len(lines) != 4 || strings.Join(strings.Fields(lines[0]), " ") != "NAME OWNER ALLOW PROFILES CREATED EXPIRES REVOKED" {
		t.Fatalf("%+v", got)
	}
	if f := strings.Fields(lines[1]); len(f) != 7 || f[0] != "alpha" || f[1] != "zeta" || f[2] != "topology:read" || f[3] != "compute=client" || f[5] != "-" || f[6] != "-" {
		t.Errorf("%q", f)
	}
	if f := strings.Fields(lines[2]); len(f) != 7 || f[0] != "zeta" || f[2] != "*" || f[3] != "-" {
		t.Errorf("%q", f)
	}
	all := got.stdout + instances(t, dir, "keys", "list", "--output", "json").stdout
	if strings.Contains(all, secret) || strings.Contains(all, auth.Hash(secret)) {
		t.Error("a secret or hash is listed")
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
	for _, err := range []error{syscall.ENOSPC, syscall.EPIPE} {
		dir := t.TempDir()
		var stderr bytes.Buffer
		code := execute(t.Context(), []string{"keys", "create", "--name", "ci", "--allow", "*"},
			environmentIn(dir, nil, brokenWriter{err}, &stderr))
		if code != exitFailed || !strings.Contains(stderr.String(), "ci was revoked") {
			t.Errorf("%v: code %d, stderr %q", err, code, stderr.String())
		}
		if k := listKeys(t, dir); len(k) != 1 || k[0].Revoked == nil {
			t.Errorf("%v: %+v", err, k)
		}
	}
}
