package dev

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Setup says what is missing, and fails only in CI. What it installs is tried
// where it is used, on a fresh machine.
func TestSetup(t *testing.T) {
	t.Parallel()
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	for _, tool := range []string{"bash", "dirname", "go", "cmp"} {
		path, err := exec.LookPath(tool)
		if err != nil {
			t.Fatal(err)
		}
		// Go finds its own folder by the name of its binary.
		if path, err = filepath.EvalSymlinks(path); err == nil {
			err = os.Symlink(path, filepath.Join(bin, tool))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		ci             string
		tools          []string
		stdout, stderr string
		fails          bool
	}{
		{"", []string{"bash", "go"}, "", "", false},
		{"true", []string{"bash", "go"}, "", "", false},
		{"", []string{"java", "bash", "curl"}, "java curl\n", "setup: not installed: Java 17 or later, curl\n", false},
		{"", []string{"node"}, "node\n", "setup: not installed: Node.js 20 or later with npm\n", false},
		{"true", []string{"compiler"}, "compiler\n", "setup: not installed: a C compiler\n", true},
	} {
		cmd := exec.CommandContext(t.Context(), filepath.Join(root, ".ci", "setup"), test.tools...)
		cmd.Env = append(os.Environ(), "PATH="+bin, "CI="+test.ci, "CC=cc")
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		err := cmd.Run()
		if (err != nil) != test.fails || stdout.String() != test.stdout || stderr.String() != test.stderr {
			t.Errorf("%s, CI=%s: %v, %q, %q", test.tools, test.ci, err, &stdout, &stderr)
		}
	}
}
