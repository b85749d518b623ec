package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"instances/pkg/cmd/instances/internal/store"
	"instances/pkg/compute"
	"instances/pkg/execution"
	"instances/pkg/instance"
	"instances/pkg/repository/bolt"
	"instances/pkg/topology"
)

// sample returns instance n of a registry of all kinds, as the APIs store
// them.
func sample(t *testing.T, n int) instance.Instance {
	t.Helper()
	at := time.Date(2024, 2, 28, 23, 59, 59, 1_000_000, time.UTC).Add(time.Duration(n) * 61_001 * time.Millisecond)
	name := fmt.Sprintf("Straße <%d> & \u2028 \x7f", n%97)
	i := instance.Instance{
		Name: name, Owner: fmt.Sprintf("team-%d", n%5), Version: int64(1 + n%4), Incarnation: fmt.Sprintf("%016x", n+1),
		CreatedAt: at, UpdatedAt: at.Add(time.Hour), Active: true,
	}
	var key instance.Key
	var err error
	switch n % 3 {
	case 0:
		key, err = topology.Key(strconv.Itoa(1 + n*113))
		i.Code, i.Group, i.SubGroup, i.Active = fmt.Sprintf("CODE-%d", n), fmt.Sprintf("Group-%d", n%11), fmt.Sprintf("sub-%d", n%3), n%2 == 0
		i.Attributes = fmt.Appendf(nil, `{"description":"Number \u003c%d\u003e","environments":[%d,9007199254740993],"pluginOperations":[{"pluginId":1,"operation":"o"}],"isDeploymentTarget":true}`, n, n)
	case 1:
		id := fmt.Sprintf("%08x-0000-7000-8000-%012x", at.UnixMilli()>>16, n)
		if n%2 == 0 {
			id = fmt.Sprintf("91c34f50-5181-4739-915a-%012x", n)
		}
		key, err = compute.Key(i.Owner, id)
		i.LastSeenAt, i.IdleSince = at.Add(time.Minute), at.Add(time.Minute)
		if n%4 == 0 {
			i.Status = "started"
		}
		i.Attributes = fmt.Appendf(nil, `{"type":"cpu","askPrice":12345678901234567890.01,"maxNumParallelJobs":%d,"downloadedImages":["a","b"]}`, 1+n%9)
	default:
		key, err = execution.Key(fmt.Sprintf("run.%d_X", n))
		i.Group, i.SubGroup, i.Status = fmt.Sprintf("model-%d", n%13), "user", "created"
		if n%2 == 0 {
			i.Status, i.IdleSince = "error", at
		}
		i.Attributes = fmt.Appendf(nil, `{"mode":"ExecAsync","input":{"z":1.0,"a":[%d,1e400],"é":"<&> "},"output":"\ud800","start":%d}`, n, n)
	}
	if err != nil {
		t.Fatal(err)
	}
	i.Kind, i.Collection, i.ID = key.Kind, key.Collection, key.ID
	return i
}

// fillSamples returns what creates that many samples, beside what is in no
// export.
func fillSamples(n int) func(*testing.T, repository, *clock) {
	return func(t *testing.T, r repository, c *clock) {
		t.Helper()
		f := &filler{t, r, c}
		f.delete(f.topology("99999", instance.Instance{Name: "deleted"}))
		f.revokedKey("revoked")
		todo := make(chan int)
		var writers sync.WaitGroup
		for range 16 {
			writers.Go(func() {
				for k := range todo {
					if err := r.Create(t.Context(), sample(t, k), f.change("create"), nil); err != nil {
						t.Errorf("sample %d: %v", k, err)
					}
				}
			})
		}
		for k := range n {
			todo <- k
		}
		close(todo)
		writers.Wait()
		if t.Failed() {
			t.FailNow()
		}
	}
}

// use is one use of a command somewhere.
type use struct {
	*somewhere
	ctx      context.Context
	stdin    string
	terminal bool
	// stderr is told what is written there, where it is not nil.
	stderr func(text string)
}

// run runs a command line there.
func (u use) run(t *testing.T, args ...string) result {
	t.Helper()
	var stdout bytes.Buffer
	stderr := &tee{told: u.stderr}
	e := environmentIn(u.dir, strings.NewReader(u.stdin), &stdout, stderr)
	e.now, e.terminal = u.clock.Now, u.terminal
	if u.ctx == nil {
		u.ctx = t.Context()
	}
	code := execute(u.ctx, append(args, u.flags...), e)
	return result{code, stdout.String(), stderr.text.String()}
}

// tee keeps what is written, and tells it.
type tee struct {
	text bytes.Buffer
	told func(string)
}

func (w *tee) Write(b []byte) (int, error) {
	if w.told != nil {
		w.told(string(b))
	}
	return w.text.Write(b)
}

// emptyFolder returns a place in which there is no registry yet.
func emptyFolder(t *testing.T) *somewhere {
	return &somewhere{dir: t.TempDir(), clock: newClock()}
}

// exportOf returns the lines of an export.
func exportOf(t *testing.T, s *somewhere) []string {
	t.Helper()
	got := s.run(t, "export")
	if got.code != exitOK || !strings.HasPrefix(got.stderr, "Exported ") {
		t.Fatalf("export: %d %s", got.code, got.stderr)
	}
	return strings.SplitAfter(got.stdout, "\n")
}

// sortedLines returns the lines of an export in an order that is that of no
// repository, without the first.
func sortedLines(lines []string) []string { return slices.Sorted(slices.Values(lines[1:])) }

// wantLines fails the test unless the two exports have the same instances.
func wantLines(t *testing.T, got, want []string) {
	t.Helper()
	got, want = sortedLines(got), sortedLines(want)
	if len(got) != len(want) {
		t.Fatalf("%d lines, want %d", len(got), len(want))
	}
	for n := range got {
		if got[n] != want[n] {
			t.Fatalf("line is\n%s, want\n%s", got[n], want[n])
		}
	}
}

// inside does something in the registry, which nobody serves.
func (s *somewhere) inside(t *testing.T, do func(context.Context, *registry) error) {
	t.Helper()
	where := location{data: ".data"}
	if len(s.flags) > 0 {
		where.table = store.Table{Name: s.flags[1], Endpoint: s.flags[3], Region: s.flags[5]}
	}
	e := environmentIn(s.dir, nil, io.Discard, io.Discard)
	if err := where.with(t.Context(), &e, do); err != nil {
		t.Fatal(err)
	}
}

// readFile returns the text of a file there.
func readFile(t *testing.T, s *somewhere, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// openThere opens the database of a folder that nobody serves.
func openThere(t *testing.T, s *somewhere) *bolt.Repository {
	t.Helper()
	r, err := bolt.Open(filepath.Join(s.dir, ".data", databaseName), bolt.Options{Now: s.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func TestExport(t *testing.T) {
	everywhere(t, fillSamples(4), func(t *testing.T, s *somewhere) {
		lines := exportOf(t, s)
		testExportFormat(t, s, lines)
		testExportFile(t, s, strings.Join(lines, ""))
		testExportResume(t, s, lines)
	})
}

// What the file looks like: whoever reads it elsewhere relies on it.
func testExportFormat(t *testing.T, s *somewhere, lines []string) {
	t.Helper()
	want := []string{
		`{"format":"instances","version":1,"exportedAt":"2025-03-01T12:00:00.000Z"}`,
		`{"end":{"compute":1,"execution":1,"topology":2}}`,
		`{"kind":"compute","id":"018df22a-0000-7000-8000-000000000001","owner":"team-1","name":"Straße <1> & \u2028 ` + "\x7f" + `","active":true,"version":2,"incarnation":"0000000000000002","createdAt":"2024-02-29T00:01:00.002Z","updatedAt":"2024-02-29T01:01:00.002Z","lastSeenAt":"2024-02-29T00:02:00.002Z","idleSince":"2024-02-29T00:02:00.002Z","attributes":{"type":"cpu","askPrice":12345678901234567890.01,"maxNumParallelJobs":2,"downloadedImages":["a","b"]}}`,
		`{"kind":"execution","id":"run.2_X","owner":"team-2","group":"model-2","subGroup":"user","name":"Straße <2> & \u2028 ` + "\x7f" + `","status":"error","active":true,"version":3,"incarnation":"0000000000000003","createdAt":"2024-02-29T00:02:01.003Z","updatedAt":"2024-02-29T01:02:01.003Z","idleSince":"2024-02-29T00:02:01.003Z","attributes":{"mode":"ExecAsync","input":{"z":1.0,"a":[2,1e400],"é":"<&> "},"output":"\ud800","start":2}}`,
		`{"kind":"topology","id":"1","owner":"team-0","code":"CODE-0","group":"Group-0","subGroup":"sub-0","name":"Straße <0> & \u2028 ` + "\x7f" + `","active":true,"version":1,"incarnation":"0000000000000001","createdAt":"2024-02-28T23:59:59.001Z","updatedAt":"2024-02-29T00:59:59.001Z","attributes":{"description":"Number \u003c0\u003e","environments":[0,9007199254740993],"pluginOperations":[{"pluginId":1,"operation":"o"}],"isDeploymentTarget":true}}`,
		`{"kind":"topology","id":"340","owner":"team-3","code":"CODE-3","group":"Group-3","subGroup":"sub-0","name":"Straße <3> & \u2028 ` + "\x7f" + `","active":false,"version":4,"incarnation":"0000000000000004","createdAt":"2024-02-29T00:03:02.004Z","updatedAt":"2024-02-29T01:03:02.004Z","attributes":{"description":"Number \u003c3\u003e","environments":[3,9007199254740993],"pluginOperations":[{"pluginId":1,"operation":"o"}],"isDeploymentTarget":true}}`,
	}
	got := slices.DeleteFunc(slices.Concat(lines[:1], sortedLines(lines)), func(line string) bool { return line == "" })
	for n := range want {
		if n >= len(got) || got[n] != want[n]+"\n" {
			t.Fatalf("line %d is\n%s, want\n%s", n, got[n], want[n])
		}
	}
	if len(got) != len(want) || lines[5] != want[1]+"\n" {
		t.Errorf("the lines are %q", lines)
	}
	if got := s.run(t, "export", "--to", "-"); got.stdout != strings.Join(lines, "") || got.stderr != "Exported 4 instances: 2 topology, 1 compute, 1 execution.\n" {
		t.Errorf("%+v", got)
	}
}

// A file is made for its owner alone, relative to the folder of the command,
// and none is overwritten.
func testExportFile(t *testing.T, s *somewhere, whole string) {
	t.Helper()
	got := s.run(t, "export", "--to", "out.jsonl")
	if got.code != exitOK || got.stdout != "" || got.stderr != "Exported 4 instances: 2 topology, 1 compute, 1 execution.\n" {
		t.Errorf("%+v", got)
	}
	if text := readFile(t, s, "out.jsonl"); text != whole {
		t.Errorf("the file is\n%s, want\n%s", text, whole)
	}
	if info, err := os.Stat(filepath.Join(s.dir, "out.jsonl")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	wantFailure(t, s.run(t, "export", "--to", "out.jsonl"), exitFailed, "out.jsonl exists and is not overwritten")
	wantFailure(t, s.run(t, "export", "--to", "absent/out.jsonl"), exitFailed, "no such file")
	if got := s.run(t, "export", "--to", "out.jsonl", "--resume"); got.code != exitOK || !strings.Contains(got.stderr, "out.jsonl is complete already: 2 topology, 1 compute, 1 execution") {
		t.Errorf("%+v", got)
	}
	for _, text := range []string{"other\n", `{"format":"others","version":1}` + "\n", `{"format":"instances","version":2}` + "\n", whole + "more\n", strings.Replace(whole, `"kind"`, `"sort"`, 1)} {
		write(t, filepath.Join(s.dir, "other.jsonl"), text)
		wantFailure(t, s.run(t, "export", "--to", "other.jsonl", "--resume"), exitFailed, "nothing was changed")
		if readFile(t, s, "other.jsonl") != text {
			t.Errorf("%q was changed", text)
		}
	}
}

// However an export was cut, it goes on to what it would have been.
func testExportResume(t *testing.T, s *somewhere, lines []string) {
	t.Helper()
	whole := strings.Join(lines, "")
	var cuts []int
	start := 0
	for _, line := range lines[:len(lines)-1] {
		cuts = append(cuts, start, start+len(line)/2, start+len(line)-1)
		start += len(line)
	}
	for _, cut := range cuts {
		write(t, filepath.Join(s.dir, "cut.jsonl"), whole[:cut])
		got := s.run(t, "export", "--to", "cut.jsonl", "--resume")
		if got.code != exitOK || got.stderr != "Exported 4 instances: 2 topology, 1 compute, 1 execution.\n" {
			t.Errorf("cut after %d: %+v", cut, got)
		}
		if text := readFile(t, s, "cut.jsonl"); text != whole {
			t.Fatalf("cut after %d, the file becomes\n%s, want\n%s", cut, text, whole)
		}
	}
	if !s.served {
		resumeWithoutLast(t, s, lines)
	}
	// Nothing to go on with is no reason to stop.
	if got := s.run(t, "export", "--to", "new.jsonl", "--resume"); got.code != exitOK || !strings.HasPrefix(got.stderr, "Exported 4 instances") {
		t.Errorf("%+v", got)
	}
}

// resumeWithoutLast cuts an export in its last instance, and deletes that one.
// Less is to be written then than what was torn.
func resumeWithoutLast(t *testing.T, s *somewhere, lines []string) {
	t.Helper()
	n := len(lines) - 3
	var last struct {
		Kind, ID, Owner string
		Version         int64
	}
	if err := json.Unmarshal([]byte(lines[n]), &last); err != nil {
		t.Fatal(err)
	}
	key, err := parseKey([]string{last.Kind, last.ID}, last.Owner)
	if err != nil {
		// Of other kinds the id says all.
		key, err = parseKey([]string{last.Kind, last.ID}, "")
	}
	if err != nil {
		t.Fatal(err)
	}
	change := func(operation string) instance.Change { return operatorChange(operation, s.clock.Now()) }
	s.inside(t, func(ctx context.Context, r *registry) error { return r.Delete(ctx, key, change("delete"), nil, nil) })
	start := strings.Join(lines[:n], "")
	write(t, filepath.Join(s.dir, "cut.jsonl"), start+strings.TrimSuffix(lines[n], "}\n"))
	got := s.run(t, "export", "--to", "cut.jsonl", "--resume")
	text := readFile(t, s, "cut.jsonl")
	if end, ok := strings.CutPrefix(text, start); got.code != exitOK || !ok || !strings.HasPrefix(end, `{"end":`) || strings.Index(end, "\n") != len(end)-1 {
		t.Errorf("%+v, the file is\n%s", got, text)
	}
	s.inside(t, func(ctx context.Context, r *registry) error {
		i, err := r.Restore(ctx, key, change("restore"))
		if err == nil && i.Version != last.Version+1 {
			err = fmt.Errorf("restored is %+v", i)
		}
		return err
	})
}

// interrupted returns a use that is interrupted when the bar says so.
func interrupted(t *testing.T, s *somewhere, bar string) use {
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return use{somewhere: s, ctx: ctx, terminal: true, stderr: func(text string) {
		if strings.Contains(text, bar) {
			cancel()
		}
	}}
}

// An export that is interrupted says how to go on.
func TestExportInterrupted(t *testing.T) {
	// An interrupt takes a moment to reach the process that serves.
	for serving, n := range map[bool]int{false: 90, true: 700} {
		t.Run(fmt.Sprintf("serving %v", serving), func(t *testing.T) {
			t.Parallel()
			s := emptyFolder(t)
			fillFolder(t, s, fillSamples(n))
			if serving {
				e := environmentIn(s.dir, strings.NewReader(""), nil, nil)
				e.now = s.clock.Now
				startServeIn(t, e)
			}
			got := interrupted(t, s, "Exporting").run(t, "export", "--to", "out.jsonl")
			wantFailure(t, got, exitFailed, "instances export: interrupted")
			if !strings.Contains(got.stderr, "instances so far: the same command with --resume continues") {
				t.Errorf("%+v", got)
			}
			if so := strings.Count(readFile(t, s, "out.jsonl"), "\n"); so < 2 || so > n {
				t.Errorf("%d lines", so)
			}
			if got := s.run(t, "export", "--to", "out.jsonl", "--resume"); got.code != exitOK || !strings.Contains(got.stderr, fmt.Sprintf("Exported %d instances", n)) {
				t.Errorf("%+v", got)
			}
			if text := readFile(t, s, "out.jsonl"); text != strings.Join(exportOf(t, s), "") {
				t.Error("the file is not what it would have been")
			}
			// Nothing is left of an export that wrote nothing.
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			wantFailure(t, use{somewhere: s, ctx: ctx}.run(t, "export", "--to", "none.jsonl"), exitFailed, "interrupted")
			if _, err := os.Stat(filepath.Join(s.dir, "none.jsonl")); !os.IsNotExist(err) {
				t.Errorf("an empty export is left: %v", err)
			}
		})
	}
}

// Wrong usage of both commands touches nothing.
func TestDumpUsage(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"export --to=":                            "--to is empty",
		"export --resume":                         "--resume needs --to FILE",
		"export --to - --resume":                  "--resume needs --to FILE",
		"export out.jsonl":                        `unexpected argument "out.jsonl"`,
		"export --data a --table b":               "exclude each other",
		"import":                                  "FILE is missing",
		"import a b":                              `unexpected argument "b"`,
		"import a --output xml":                   `--output "xml": want text or json`,
		"import a --history-retention 1h":         "less than a day",
		"import a --endpoint http://127.0.0.1:1/": "--endpoint needs --table",
	} {
		dir := t.TempDir()
		wantFailure(t, instances(t, dir, strings.Fields(line)...), exitUsage, want)
		if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
			t.Errorf("%s makes %v, %v", line, entries, err)
		}
	}
	for _, line := range []string{"export", "export --to out.jsonl", "import a --dry-run"} {
		dir := t.TempDir()
		wantFailure(t, instances(t, dir, strings.Fields(line)...), exitFailed, "there is no registry in")
		if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
			t.Errorf("%s makes %v, %v", line, entries, err)
		}
	}
	for line, want := range map[string]string{"help export": "dynamodb:Scan", "import --help": "--dry-run"} {
		if got := instances(t, t.TempDir(), strings.Fields(line)...); got.code != exitOK || !strings.Contains(got.stdout, want) {
			t.Errorf("%s: %+v", line, got)
		}
	}
}

// An instance that an import would put elsewhere is not exported as if all were
// well.
func TestExportMisplaced(t *testing.T) {
	t.Parallel()
	s := emptyFolder(t)
	fillFolder(t, s, func(t *testing.T, r repository, c *clock) {
		i := sample(t, 1)
		i.Owner = "other"
		if err := r.Create(t.Context(), i, (&filler{t, r, c}).change("create"), nil); err != nil {
			t.Fatal(err)
		}
	})
	got := s.run(t, "export")
	if got.code != exitFailed || !strings.Contains(got.stderr, "is not where its id and owner put it") {
		t.Errorf("%+v", got)
	}
}

// Each line is JSON of its own that any reader takes.
func TestExportIsJSON(t *testing.T) {
	t.Parallel()
	s := emptyFolder(t)
	fillFolder(t, s, fillSamples(30))
	for _, line := range exportOf(t, s) {
		if line != "" && !json.Valid([]byte(line)) {
			t.Errorf("no JSON: %q", line)
		}
	}
}
