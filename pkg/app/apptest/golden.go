package apptest

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// Golden returns an example in the folder testdata of the test's package:
// JSON, without the white space between its parts.
func Golden(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := json.Compact(&out, b); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return out.String()
}

// Same checks the status and the body of an answer. What says what was asked.
func Same(t testing.TB, what string, got Response, status int, body string) {
	t.Helper()
	if got.Status != status || got.Body != body {
		t.Errorf("%s: got %d %s, want %d %s", what, got.Status, got.Body, status, body)
	}
}
