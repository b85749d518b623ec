package cli

import (
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"instances/pkg/repository/dynamo/dynamotest"
)

// The binary of a function answers as the function in this process does, on
// the same table.
func TestInvokeRehearsed(t *testing.T) {
	table := dynamotest.NewTable(t)
	awsEnvironment(t, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test")
	dir := t.TempDir()
	in := func(args ...string) result {
		return instances(t, dir, append(args, "--table", table.Name, "--endpoint", table.Endpoint, "--region", "us-east-1")...)
	}
	secret := secretOf(t, in("keys", "create", "--name", "ci", "--allow", "topology:read"))
	write(t, filepath.Join(dir, "event.json"), event(t, secret, "1"))
	invoke := []string{"invoke", "topology-get", "--event", "event.json", "--template", templatePath(t)}
	here := in(invoke...)
	got := in(append(invoke, "--rehearse")...)
	// Each invocation has an id of its own.
	id := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`)
	if got.code != exitOK || !strings.Contains(got.stdout, `"statusCode":404`) ||
		id.ReplaceAllString(got.stdout, "") != id.ReplaceAllString(here.stdout, "") {
		t.Errorf("%+v, want %+v", got, here)
	}
	if !strings.Contains(got.stderr, "cold start of topology-get: ") || !strings.Contains(got.stderr, `"function_request_id"`) {
		t.Errorf("its log: %s", got.stderr)
	}
}

// The API is served by the binaries, with the key of the data folder.
func TestServeRehearsed(t *testing.T) {
	t.Parallel()
	// It skips where there is no engine.
	dynamotest.NewTable(t)
	dir := t.TempDir()
	s := startServe(t, dir, "--rehearse", "--quiet")
	secret := fileSecret(t, filepath.Join(dir, ".data"))
	if status, body := send(t, s.url, secret, "GET", "/1", ""); status != http.StatusNotFound {
		t.Errorf("at first: %d %s", status, body)
	}
	if status, body := send(t, s.url, secret, "POST", "", newInstance); status != http.StatusCreated {
		t.Errorf("create: %d %s", status, body)
	}
	if status, body := send(t, s.url, secret, "GET", "/1", ""); status != http.StatusOK {
		t.Errorf("get: %d %s", status, body)
	}
	if !strings.Contains(s.stdout.String(), "--table instances --endpoint http://127.0.0.1:") {
		t.Errorf("it says %s", s.stdout)
	}
	if code := s.stop(); code != exitOK {
		t.Errorf("ended with %d: %s", code, s.stderr)
	}
	if log := s.stderr.String(); strings.Count(log, "cold start of ") != 2 || strings.Contains(log, "function_request_id") {
		t.Errorf("its log: %s", log)
	}
}
