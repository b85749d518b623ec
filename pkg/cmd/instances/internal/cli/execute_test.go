package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// result is how a command line ended.
type result struct {
	code           int
	stdout, stderr string
}

// environmentIn returns an environment for commands in a folder.
func environmentIn(dir string, stdin io.Reader, stdout, stderr io.Writer) environment {
	return environment{
		dir: dir, getenv: func(string) string { return "" }, now: time.Now, after: never,
		stdin: stdin, stdout: stdout, stderr: stderr,
	}
}

// never is a timer that does not fire.
func never(time.Duration) <-chan time.Time { return nil }

// instances runs a command line in a folder.
func instances(t *testing.T, dir string, args ...string) result {
	t.Helper()
	return withInput(t, dir, "", args...)
}

// withInput runs a command line in a folder, with standard input.
func withInput(t *testing.T, dir, stdin string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code := execute(t.Context(), args, environmentIn(dir, strings.NewReader(stdin), &stdout, &stderr))
	return result{code, stdout.String(), stderr.String()}
}

// templatePath returns the path of the project's template.
func templatePath(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", "..", "..", "..", "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Help that was asked for is on standard output, with examples.
func TestHelp(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"":                   "keys create",
		"help":               "keys create",
		"--help":             "keys create",
		"-h":                 "keys create",
		"help keys":          "instances keys revoke ci",
		"keys --help":        "instances keys revoke ci",
		"keys help":          "instances keys revoke ci",
		"help keys create":   "--expires TIME",
		"keys create --help": "--expires TIME",
		"keys create -h":     "--expires TIME",
		"help gpus":          "instances gpus import gpus.json",
		"gpus import --help": "is_available",
		"help serve":         "PORT",
		"serve --help":       "--addr HOST:PORT",
		"invoke --help":      "events/topology-get.json",
		"help deleted":       "instances deleted topology",
		"help restore":       "--history-retention TIME",
		"history --help":     "--cursor CURSOR",
		"cleanup --help":     "--older-than TIME",
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			got := instances(t, t.TempDir(), strings.Fields(line)...)
			if got.code != exitOK || got.stderr != "" {
				t.Errorf("code %d, stderr %q", got.code, got.stderr)
			}
			for _, part := range []string{want, "Usage:\n  instances", "\n  instances "} {
				if !strings.Contains(got.stdout, part) {
					t.Errorf("no %q in\n%s", part, got.stdout)
				}
			}
		})
	}
}

// every returns all commands.
func every(c *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{c}
	for _, sub := range c.Commands() {
		all = append(all, every(sub)...)
	}
	return all
}

// Each command says in a line what it does, and its examples parse.
func TestCommandsAreDocumented(t *testing.T) {
	t.Parallel()
	e := environmentIn(t.TempDir(), nil, nil, nil)
	for _, c := range every(e.root()) {
		if c.HasSubCommands() || c.Name() == "help" {
			continue
		}
		if c.Short == "" || c.Long == "" || c.Example == "" {
			t.Errorf("%s lacks a part of its help", c.CommandPath())
		}
		for example := range strings.Lines(c.Example) {
			line, _, _ := strings.Cut(strings.ReplaceAll(example, "'", ""), " <")
			_, line, _ = strings.Cut(line, "instances ")
			words := strings.Fields(line)
			found, _, err := e.root().Find(words)
			if err != nil || found.CommandPath() != c.CommandPath() {
				t.Errorf("%s: example %q is of another command", c.CommandPath(), example)
				continue
			}
			if got := instances(t, t.TempDir(), append(words, "--help")...); got.code != exitOK {
				t.Errorf("%s: example %q: %q", c.CommandPath(), example, got.stderr)
			}
		}
	}
}

// Wrong usage is exit code 2 and a message that names what is wrong and where
// to read on. Nothing is made.
func TestWrongUsage(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"bogus":                            `unknown command "bogus"`,
		"--bogus":                          "unknown flag: --bogus",
		"help bogus":                       `unknown command "bogus"`,
		"help keys bogus":                  `unknown command "keys bogus"`,
		"keys":                             "create, list, revoke",
		"keys bogus":                       `unknown command "bogus"`,
		"keys create":                      "--name is missing",
		"keys create --bogus x":            "--bogus",
		"keys create --name":               "--name",
		"keys create --name a:b --allow *": `--name "a:b": want 1 to 64`,
		"keys create --name a --owner b/c --allow *":             `--owner "b/c": want`,
		"keys create --name a --owner= --allow *":                `--owner "": want`,
		"keys create --name a":                                   "--allow is missing: topology:read, topology:write",
		"keys create --name a --allow topology:reed":             `unknown permission "topology:reed"`,
		"keys create --name a --allow topology:read,":            `--allow "topology:read,": unknown permission ""`,
		"keys create --name a --allow * --expires 3":             `--expires "3"`,
		"keys create --name a --allow * --expires=":              `--expires ""`,
		"keys create --name a --allow * --compute-profile bogus": `--compute-profile "bogus": want document or client`,
		"keys create --name a --allow * --compute-profile=":      `--compute-profile "": want`,
		"keys create a --name a --allow *":                       `unexpected argument "a"`,
		"keys create --name a --allow * -- --name":               `unexpected argument "--name"`,
		"keys create --name a --allow * --data=":                 "--data is empty",
		"keys create --name a --allow * --data d --table=":       "--data and --table",
		"keys list --data d --table t":                           "--data and --table",
		"keys list --table=":                                     "--table is empty",
		"keys list --region r":                                   "--region needs --table",
		"keys list --endpoint http://127.0.0.1:1":                "--endpoint needs --table",
		"keys list --output yaml":                                `--output "yaml": want text or json`,
		"keys revoke":                                            "NAME is missing",
		"keys revoke a b":                                        `unexpected argument "b"`,
		"keys revoke a --name b":                                 "given twice",
		"keys revoke a:b":                                        `"a:b"`,
		"keys revoke --name=":                                    `--name "": want`,
		"gpus":                                                   "import, list",
		"gpus export":                                            `unknown command "export"`,
		"gpus import":                                            "FILE is missing",
		"gpus import a b":                                        `unexpected argument "b"`,
		"gpus import a --data d --table t":                       "--data and --table",
		"gpus list --output yaml":                                `--output "yaml": want text or json`,
		"gpus list --region r":                                   "--region needs --table",
		"invoke":                                                 "FUNCTION is missing",
		"invoke topology-get --event=":                           "--event is empty",
		"invoke topology-get --event - --rehearse --data d --template TEMPLATE": "--data and --rehearse exclude each other",
		"invoke bogus --event - --template TEMPLATE":                            `no function "bogus" in TEMPLATE: want topology-get,`,
		"deleted":                                   "KIND is missing: topology, compute or execution",
		"deleted keys":                              `unknown kind "keys": want topology, compute or execution`,
		"deleted topology 1":                        `unexpected argument "1"`,
		"deleted compute --owner=":                  `--owner "": want`,
		"deleted topology --output yaml":            `--output "yaml": want text or json`,
		"deleted topology --region r":               "--region needs --table",
		"restore":                                   "KIND is missing",
		"restore topology":                          "ID is missing: that of the topology instance",
		"restore topology 0":                        `no topology instance can have the id "0"`,
		"restore topology one":                      `no topology instance can have the id "one"`,
		"restore execution a/b":                     `no execution instance can have the id "a/b"`,
		"restore topology 1 --owner team":           "--owner is not for topology",
		"restore compute UUID":                      "--owner is missing: the id of a compute instance is only unique within its owner",
		"restore compute UUID --owner=":             `--owner "": want`,
		"restore compute UUID --owner a/b":          `--owner "a/b": want`,
		"restore compute 1 --owner team":            `no compute instance can have the id "1"`,
		"restore topology 1 --output yaml":          `--output "yaml": want text or json`,
		"restore topology 1 --data d --table t":     "--data and --table",
		"restore topology 1 --history-retention 1h": `--history-retention "1h": less than a day`,
		"restore topology 1 --history-retention=":   `--history-retention ""`,
		"history":                                          "KIND is missing",
		"history compute UUID":                             "--owner is missing",
		"history topology 1 --limit 0":                     `--limit "0": want a number from 1`,
		"history topology 1 --limit 1000001":               `--limit "1000001": want`,
		"history topology 1 --limit x":                     "--limit",
		"history topology 1 --cursor x":                    "--cursor: not one of the history of this instance",
		"history topology 1 --cursor=":                     "--cursor: not one of the history of this instance",
		"history topology 1 --output yaml":                 `--output "yaml": want text or json`,
		"cleanup now":                                      `unexpected argument "now"`,
		"cleanup --older-than 23h":                         `--older-than "23h": less than a day`,
		"cleanup --older-than=":                            `--older-than ""`,
		"cleanup --older-than 30":                          `--older-than "30"`,
		"cleanup --silent-compute 1h":                      `--silent-compute "1h": less than a day`,
		"cleanup --silent-compute=":                        `--silent-compute ""`,
		"cleanup --ended-execution 23h59m":                 `--ended-execution "23h59m": less than a day`,
		"cleanup --history-retention 1s":                   `--history-retention "1s": less than a day`,
		"cleanup --as-of 2030-01-01":                       "--as-of needs --dry-run",
		"cleanup --dry-run --as-of tomorrow":               `--as-of "tomorrow": want a time such as 2030-01-01`,
		"cleanup --output yaml":                            `--output "yaml": want text or json`,
		"cleanup --endpoint http://127.0.0.1:1":            "--endpoint needs --table",
		"serve --addr 3000":                                `--addr "3000" is not HOST:PORT`,
		"serve --data= --template TEMPLATE":                "--data is empty",
		"serve now":                                        `unexpected argument "now"`,
		"serve --quiet=perhaps":                            "--quiet",
		"events":                                           "--key is missing",
		"events --key local --to d":                        "--key is missing",
		"events --key a/b:c --to d":                        `the name "a/b": want`,
		"events --key a:b":                                 "--to is missing",
		"events --key a:b --to EVENTS --template TEMPLATE": "the samples are there",
		"version now":                                      `unexpected argument "now"`,
	} {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			line = strings.ReplaceAll(strings.ReplaceAll(line, "TEMPLATE", templatePath(t)), "UUID", boxID)
			line = strings.ReplaceAll(line, "EVENTS", filepath.Join(filepath.Dir(templatePath(t)), "events"))
			want = strings.ReplaceAll(want, "TEMPLATE", templatePath(t))
			got := instances(t, dir, strings.Fields(line)...)
			if got.code != exitUsage || got.stdout != "" {
				t.Errorf("code %d, stdout %q", got.code, got.stdout)
			}
			if !strings.HasPrefix(got.stderr, "instances") || !strings.Contains(got.stderr, want) {
				t.Errorf("no %q in %q", want, got.stderr)
			}
			if !strings.Contains(got.stderr, "\nSee: instances ") {
				t.Errorf("no hint in %q", got.stderr)
			}
			if made, _ := filepath.Glob(filepath.Join(dir, "*")); len(made) > 0 {
				t.Errorf("made %q", made)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"version", "--version"} {
		got := instances(t, t.TempDir(), word)
		if got.code != exitOK || !strings.HasPrefix(got.stdout, "instances ") || !strings.Contains(got.stdout, "(go") {
			t.Errorf("%s: %+v", word, got)
		}
	}
}

// brokenWriter fails each write.
type brokenWriter struct{ err error }

func (b brokenWriter) Write([]byte) (int, error) { return 0, b.err }

// A reader that has enough is no news, a full disk is.
func TestOutputFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  error
		says bool
	}{
		"closed pipe": {&wrapped{syscall.EPIPE}, false},
		"full disk":   {syscall.ENOSPC, true},
	} {
		for _, line := range []string{"version", "keys list", "gpus list", "deleted topology", "cleanup", "cleanup --dry-run --output json"} {
			t.Run(name+" "+line, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				if got := instances(t, dir, "keys", "create", "--name", "ci", "--allow", "*"); got.code != exitOK {
					t.Fatalf("%+v", got)
				}
				var stderr bytes.Buffer
				e := environmentIn(dir, nil, brokenWriter{test.err}, &stderr)
				if code := execute(t.Context(), strings.Fields(line), e); code != exitFailed {
					t.Errorf("code %d", code)
				}
				if (stderr.Len() > 0) != test.says {
					t.Errorf("stderr %q", stderr.String())
				}
			})
		}
	}
	if code := execute(t.Context(), []string{"help"}, environmentIn(".", nil, brokenWriter{io.ErrClosedPipe}, io.Discard)); code != exitFailed {
		t.Errorf("help: code %d", code)
	}
}

// wrapped is an error around another, as those of the os package are.
type wrapped struct{ error }

func (w *wrapped) Unwrap() error { return w.error }

// An interrupted command says so, even if its input never ends, here or in the
// process that serves.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	for _, served := range []bool{false, true} {
		t.Run(fmt.Sprintf("served %v", served), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if served {
				startServe(t, dir)
			} else {
				secretOf(t, instances(t, dir, "keys", "create", "--name", "ci", "--allow", "*"))
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			stdin, w := io.Pipe()
			defer func() { _ = w.Close() }()
			asked := readerFunc(func(b []byte) (int, error) {
				cancel()
				return stdin.Read(b)
			})
			var stderr bytes.Buffer
			code := execute(ctx, []string{"invoke", "topology-get", "--event", "-", "--template", templatePath(t)},
				environmentIn(dir, asked, io.Discard, &stderr))
			if code != exitFailed || !strings.Contains(stderr.String(), "interrupted") {
				t.Errorf("code %d, stderr %q", code, stderr.String())
			}
		})
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }
