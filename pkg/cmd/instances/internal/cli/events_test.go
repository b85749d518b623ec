package cli

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"instances/pkg/auth"
	"instances/pkg/template"
)

// Without an event, a function gets its sample, with the key local of the data
// folder: in a new folder, in one that exists, and in one that is served.
func TestInvokeSample(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	// A rehearsal leaves the key without a database.
	data := filepath.Join(dir, ".data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	secret := auth.NewSecret()
	write(t, filepath.Join(data, "local.key"), secret+"\n")
	invoke := func(function string, args ...string) result {
		return instances(t, dir, append([]string{"invoke", function, "--template", templatePath(t)}, args...)...)
	}
	if got := invoke("compute-list"); got.code != exitOK || !strings.Contains(got.stdout, `"statusCode":200`) {
		t.Errorf("new folder: %+v", got)
	}
	s := startServe(t, dir)
	if fileSecret(t, data) != secret || strings.Contains(s.stdout.String(), "does not hold") {
		t.Errorf("another key: %s", s.stdout)
	}
	for function, want := range map[string]string{
		"topology-get": `"statusCode":404`, "execution-list": `"statusCode":200`, "cleanup": `"complete":true`,
	} {
		if got := invoke(function); got.code != exitOK || !strings.Contains(got.stdout, want) || strings.Contains(got.stderr, secret) {
			t.Errorf("%s: %+v", function, got)
		}
	}
	if got := instances(t, dir, "keys", "revoke", localKey); got.code != exitOK {
		t.Fatalf("%+v", got)
	}
	if got := invoke("topology-get"); got.code != exitOK || !strings.Contains(got.stdout, `"statusCode":401`) {
		t.Errorf("revoked: %+v", got)
	}
	if got := invoke("topology-get", "--data", "new"); got.code != exitOK || !strings.Contains(got.stdout, `"statusCode":404`) {
		t.Errorf("nothing there: %+v", got)
	}
}

// The sample events get the credentials of a key that exists, and nobody else
// can read them.
func TestEvents(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secret := secretOf(t, instances(t, dir, "keys", "create", "--name", "ci", "--allow", "*"))
	write := func(e environment, args ...string) result {
		t.Helper()
		var stdout, stderr strings.Builder
		e.stdout, e.stderr = &stdout, &stderr
		code := execute(t.Context(), append([]string{"events", "--to", "made", "--template", templatePath(t)}, args...), e)
		return result{code, stdout.String(), stderr.String()}
	}
	e := environmentIn(dir, nil, nil, nil)
	if got := write(e, "--key", "old:inst_old"); got.code != exitOK {
		t.Fatalf("%+v", got)
	}
	e.getenv = func(name string) string { return map[string]string{"KEY": "ci:" + secret}[name] }
	if got := write(e); got.code != exitOK || got.stdout != "" || !strings.HasSuffix(got.stderr, " events into made.\n") {
		t.Fatalf("%+v", got)
	}
	tmpl, err := template.Load(templatePath(t))
	if err != nil {
		t.Fatal(err)
	}
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("ci:"+secret))
	for _, f := range tmpl.Functions {
		path := filepath.Join(dir, "made", f.Name+".json")
		if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s: %v, %v", f.Name, info, err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var made struct {
			Headers           map[string]string
			MultiValueHeaders map[string][]string
		}
		if err := json.Unmarshal(text, &made); err != nil {
			t.Fatal(err)
		}
		for _, credentials := range append(made.MultiValueHeaders["Authorization"], made.Headers["Authorization"]) {
			if credentials != "" && credentials != basic && credentials != "Token "+secret && credentials != "ApiKey "+secret {
				t.Errorf("%s has the credentials %q", f.Name, credentials)
			}
		}
	}
	got := instances(t, dir, "invoke", "topology-get", "--event", "made/topology-get.json", "--template", templatePath(t))
	if got.code != exitOK || !strings.Contains(got.stdout, `"statusCode":404`) {
		t.Errorf("%+v", got)
	}
}

// The shell completes commands, flags, kinds and functions.
func TestCompletion(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"key":                            "keys\t",
		"keys ":                          "create\t",
		"keys list --out":                "--output\t",
		"keys list --output ":            "json\n",
		"keys create --name a --allow ":  "topology:read\n",
		"deleted ":                       "execution\n",
		"invoke --template TEMPLATE top": "topology-get\n",
	} {
		words := []string{"__complete"}
		for word := range strings.SplitSeq(line, " ") {
			words = append(words, strings.ReplaceAll(word, "TEMPLATE", templatePath(t)))
		}
		if got := instances(t, t.TempDir(), words...); got.code != exitOK || !strings.Contains(got.stdout, want) {
			t.Errorf("%q: %+v, want %q", line, got, want)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if got := instances(t, t.TempDir(), "completion", shell); got.code != exitOK || !strings.Contains(got.stdout, "__complete") {
			t.Errorf("%s: %+v", shell, got)
		}
	}
}
