package functions_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// deployment is what a run of .ci/deploy did.
type deployment struct {
	code   int
	output string
	// calls are the commands that ran, in order.
	calls []string
}

// deploy runs .ci/deploy with stand-ins for the SAM CLI, Python and Go. It adds
// lines to each environment of samconfig.toml, and variables to its own
// environment.
func deploy(t *testing.T, lines string, variables ...string) deployment {
	t.Helper()
	root := t.TempDir()
	for _, name := range []string{".ci/deploy", ".ci/venv.sh", ".ci/flags.sh", ".ci/requirements.txt", "samconfig.toml"} {
		text, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(root, name), strings.ReplaceAll(string(text), ".global.parameters]\n", ".global.parameters]\n"+lines))
	}
	requirements, err := os.ReadFile("../.ci/requirements.txt")
	if err != nil {
		t.Fatal(err)
	}
	venv := filepath.Join(root, ".build", "venv")
	write(t, filepath.Join(venv, "requirements.txt"), string(requirements))
	calls := filepath.Join(root, "calls")
	for _, name := range []string{"sam", "python", "go"} {
		write(t, filepath.Join(venv, "bin", name), `#!/bin/sh
printf '%s\n' "${GOARCH+GOARCH=$GOARCH }`+name+` $*" >>'`+calls+`'
case "$*" in
*"$FAILS"*) echo "stand-in fails"; exit 7 ;;
esac
`)
	}
	command := exec.CommandContext(t.Context(), "bash", filepath.Join(root, ".ci", "deploy"))
	command.Env = append([]string{"PATH=" + filepath.Join(venv, "bin") + ":" + os.Getenv("PATH"), "FAILS=nothing"}, variables...)
	output, err := command.CombinedOutput()
	d := deployment{output: string(output)}
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		d.code = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(calls); err == nil {
		d.calls = strings.Split(strings.TrimSpace(string(text)), "\n")
	}
	return d
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
}

// A deployment builds first, uses the settings of its environment, and asks
// when it does not know the stack.
func TestDeploy(t *testing.T) {
	t.Parallel()
	const compile = "GOARCH=arm64 go build -o /dev/null ./functions/..."
	const built = ".aws-sam/build/template.yaml"
	for _, test := range []struct {
		name      string
		variables []string
		config    string // More lines of each environment.
		code      int
		want      []string
		output    string
	}{
		{"dev", []string{"ENV=dev"}, "", 0, []string{
			"python -B .ci/whoami.py", compile,
			"sam build --config-env dev", "python -B .ci/stamp.py " + built + " dev", "sam deploy --config-env dev",
		}, ""},
		{"prod", []string{"ENV=prod"}, "", 0, []string{
			"python -B .ci/whoami.py", compile,
			"sam build --config-env prod", "python -B .ci/stamp.py " + built + " prod", "sam deploy --config-env prod",
		}, ""},
		{"x86_64", []string{"ENV=dev"}, "# Architecture=x86_64\n", 0, []string{
			"python -B .ci/whoami.py", strings.Replace(compile, "arm64", "amd64", 1),
			"sam build --config-env dev", "python -B .ci/stamp.py " + built + " dev", "sam deploy --config-env dev",
		}, ""},
		{"built for another machine", []string{"ENV=dev", "FAILS=stamp"}, "", 7, []string{
			"python -B .ci/whoami.py", compile, "sam build --config-env dev", "python -B .ci/stamp.py " + built + " dev",
		}, "stand-in fails"},
		{"guided", []string{"ENV=dev", "GUIDED=1"}, "", 0, []string{
			"python -B .ci/whoami.py --any-region", compile,
			"sam build --config-env dev", "python -B .ci/stamp.py --always " + built + " dev", "sam deploy --config-env dev --guided",
		}, ""},
		{"first time", nil, "", 0, []string{
			"python -B .ci/whoami.py --any-region", compile,
			"sam build --config-env default", "python -B .ci/stamp.py --always " + built + " default", "sam deploy --config-env default --guided",
		}, ""},
		{"unknown environment", []string{"ENV=test"}, "", 2, nil, "no environment test: use ENV=dev or ENV=prod"},
		{"no credentials", []string{"ENV=dev", "FAILS=whoami"}, "", 7, []string{"python -B .ci/whoami.py"}, "stand-in fails"},
		{"does not compile", []string{"ENV=dev", "FAILS=/dev/null"}, "", 7, []string{"python -B .ci/whoami.py", compile}, "stand-in fails"},
		{"does not build", []string{"ENV=dev", "FAILS=build --config-env"}, "", 7, []string{
			"python -B .ci/whoami.py", compile, "sam build --config-env dev",
		}, "stand-in fails"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := deploy(t, test.config, test.variables...)
			if d.code != test.code || !strings.Contains(d.output, test.output) || !slices.Equal(d.calls, test.want) {
				t.Errorf("exit code %d, output %q, calls\n%s", d.code, d.output, strings.Join(d.calls, "\n"))
			}
		})
	}
}

// The targets of the Makefile pass the scripts what they need.
func TestMakeTargets(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"deploy", "ENV=prod", "GUIDED=1"}, "ENV='prod' GUIDED='1' .ci/deploy\n"},
		{[]string{"smoke", "URL=https://x/live", "KEY=a:b"}, "go run ./pkg/cmd/smoke --url 'https://x/live'\n"},
	} {
		command := exec.CommandContext(t.Context(), "make", append([]string{"-n", "-C", "..", "--no-print-directory"}, test.args...)...)
		// Make itself may run this test.
		command.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "MAKE") || strings.HasPrefix(v, "MFLAGS") })
		output, err := command.CombinedOutput()
		if err != nil || string(output) != test.want {
			t.Errorf("make %s runs %q, %v", strings.Join(test.args, " "), output, err)
		}
	}
}
