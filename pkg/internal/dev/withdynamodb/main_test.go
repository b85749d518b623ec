package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

const shell = "/bin/sh"

// The command runs with its input, output, environment and exit code.
func TestRun(t *testing.T) {
	t.Parallel()
	// An engine that is there already is used.
	environ := append(os.Environ(), endpointVariable+"=http://127.0.0.1:1")
	getenv := func(name string) string {
		if name == endpointVariable {
			return "http://127.0.0.1:1"
		}
		return ""
	}
	for _, test := range []struct {
		name           string
		args           []string
		code           int
		stdout, stderr string
	}{
		{"success", []string{"--", shell, "-c", "exit 0"}, 0, "", ""},
		{"failure", []string{"--", shell, "-c", "exit 7"}, 7, "", ""},
		{"without dashes", []string{shell, "-c", "exit 3"}, 3, "", ""},
		{"own dashes", []string{"--", shell, "-c", `printf "%s" "$*"`, "sh", "--", "-v"}, 0, "-- -v", ""},
		{"streams", []string{"--", shell, "-c", "cat; echo problem >&2"}, 0, "input", "problem\n"},
		{"environment", []string{"--", shell, "-c", "printf %s $" + endpointVariable}, 0, "http://127.0.0.1:1", ""},
		{"killed", []string{"--", shell, "-c", "kill -9 $$"}, 137, "", ""},
		{"terminated", []string{"--", shell, "-c", "kill -15 $$"}, 143, "", ""},
		{"no command", nil, exitUsage, "", "usage: "},
		{"dashes only", []string{"--"}, exitUsage, "", "usage: "},
		{"not there", []string{"--", "/no/such/command"}, exitFailure, "", "withdynamodb: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			code := run(test.args, getenv, environ, strings.NewReader("input"), &stdout, &stderr)
			if code != test.code {
				t.Errorf("exit code is %d, want %d", code, test.code)
			}
			if stdout.String() != test.stdout || !strings.HasPrefix(stderr.String(), test.stderr) {
				t.Errorf("output is %q and %q, want %q and %q", stdout.String(), stderr.String(), test.stdout, test.stderr)
			}
		})
	}
}

// Without Java the command runs all the same, with a notice; where CI says
// that everything must be there it does not.
func TestRunWithoutJava(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	args := []string{"-without", "a mouse", "--", shell, "-c", "echo ran $" + endpointVariable + " >&2"}
	const notice = "*** NOT TESTED with a mouse, DynamoDB Local (java: not installed) ***\n"
	for ci, want := range map[string]struct {
		code   int
		stderr string
	}{
		"":     {0, notice + "ran none\n" + notice},
		"true": {exitFailure, "withdynamodb: java: not installed\n"},
	} {
		getenv := func(name string) string {
			if name == "CI" {
				return ci
			}
			return ""
		}
		var stderr bytes.Buffer
		code := run(args, getenv, []string{"A=b"}, strings.NewReader(""), nil, &stderr)
		if code != want.code || stderr.String() != want.stderr {
			t.Errorf("CI=%q: exit code %d, output %q", ci, code, &stderr)
		}
	}
}
