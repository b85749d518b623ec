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
	"testing"

	"instances/pkg/cmd/instances/internal/transfer"
	"instances/pkg/execution"
	"instances/pkg/instance"
	"instances/pkg/repository/bolt"
	"instances/pkg/repository/dynamo"
	"instances/pkg/repository/dynamo/dynamotest"
	"instances/pkg/topology"
)

// dumpFile writes the export of that many samples into in.jsonl in a folder.
func dumpFile(t *testing.T, s *somewhere, n int) []string {
	t.Helper()
	lines := dumpLines(t, n)
	write(t, filepath.Join(s.dir, "in.jsonl"), strings.Join(lines, ""))
	return lines
}

// dumpLines returns the lines of the export of that many samples.
func dumpLines(t *testing.T, n int) []string {
	t.Helper()
	from := emptyFolder(t)
	fillFolder(t, from, fillSamples(n))
	return exportOf(t, from)
}

// nothing leaves a registry empty.
func nothing(*testing.T, repository, *clock) {}

// searches are queries that find some of the samples.
func searches() []instance.Query {
	topologies := func(q instance.Query) instance.Query { q.Kind = topology.Kind(); return q }
	return []instance.Query{
		topologies(instance.Query{}), topologies(instance.Query{Code: "code-30"}), topologies(instance.Query{Group: "GROUP-3"}),
		topologies(instance.Query{Name: "STRASSE"}), topologies(instance.Query{Name: "straße <3"}),
		topologies(instance.Query{Group: "group-4", SubGroup: "SUB-0"}),
		{Kind: execution.Kind(), Group: "model-5"},
		{Kind: execution.Kind(), Collections: []string{"03", "07", "15"}, Status: "error"},
	}
}

// answers returns what the searches find, as one text.
func answers(t *testing.T, r repository) string {
	t.Helper()
	var b strings.Builder
	for _, q := range searches() {
		fmt.Fprintf(&b, "%+v\n", q)
		for i, err := range r.Search(t.Context(), q) {
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "%+v\n", i)
		}
	}
	return b.String()
}

// move exports from one place, imports into another, and returns the lines.
func move(t *testing.T, n int, from, to *somewhere) []string {
	t.Helper()
	if got := from.run(t, "export", "--to", "out.jsonl"); got.code != exitOK {
		t.Fatalf("%+v", got)
	}
	text := readFile(t, from, "out.jsonl")
	write(t, filepath.Join(to.dir, "in.jsonl"), text)
	wantOutput(t, to.run(t, "import", "in.jsonl"), importTable(n, n, 0))
	return strings.SplitAfter(text, "\n")
}

// wantMoved fails the test unless the searches find in each repository what
// they find in the first, and new instances get ids of their own.
func wantMoved(t *testing.T, n int, first repository, others ...repository) {
	t.Helper()
	want := answers(t, first)
	for k, r := range others {
		if got := answers(t, r); got != want {
			t.Errorf("%d: the searches find other instances", k)
		}
		// The largest number is that of the last sample of the kind.
		next, err := r.NextNumber(t.Context(), topology.Kind())
		if err != nil || next <= int64(1+(n-1)/3*3*113) {
			t.Errorf("%d: the next number is %d, %v", k, next, err)
		}
	}
}

// From one embedded database to another, and nothing is lost or changed.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	const n = 300
	from, to := emptyFolder(t), emptyFolder(t)
	fillFolder(t, from, fillSamples(n))
	lines := move(t, n, from, to)
	wantOutput(t, to.run(t, "import", "in.jsonl"), importTable(n, 0, n))
	if back := exportOf(t, to); strings.Join(back, "") != strings.Join(lines, "") {
		wantLines(t, back, lines)
		t.Error("the order is another one")
	}
	wantMoved(t, n, openThere(t, from), openThere(t, to))
}

// From the embedded database to a table and back to another embedded database.
// The engine of the tests is slow, so that there are fewer.
func TestRoundTripOverTable(t *testing.T) {
	const n = 100
	from, back := emptyFolder(t), emptyFolder(t)
	fillFolder(t, from, fillSamples(n))
	table := dynamotest.NewTable(t)
	awsEnvironment(t, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test")
	away := &somewhere{dir: t.TempDir(), clock: newClock()}
	away.flags = []string{"--table", table.Name, "--endpoint", table.Endpoint, "--region", "us-east-1"}
	lines := move(t, n, from, away)
	wantLines(t, move(t, n, away, back), lines)
	if third := exportOf(t, back); strings.Join(third, "") != strings.Join(lines, "") {
		t.Error("what came back is not what left")
	}
	wantMoved(t, n, openThere(t, from), openThere(t, back),
		dynamo.New(dynamo.Config{Client: table.Client(nil), Table: table.Name}))
}

// importTable is what an import of the first n samples prints, of which so
// many ended so. Kinds take turns.
func importTable(n, created, there int) string {
	if created+there != n {
		panic("the numbers do not add up")
	}
	kinds := [3]string{"topology", "compute", "execution"}
	var b strings.Builder
	b.WriteString("KIND       CREATED  EXISTING  CONFLICTS\n")
	for k, kind := range kinds {
		of := func(count int) int {
			if count == 0 {
				return 0
			}
			return (n + 2 - k) / 3
		}
		fmt.Fprintf(&b, "%-9s  %-7d  %-8d  0\n", kind, of(created), of(there))
	}
	return b.String()
}

// An import, the same again, and the same from standard input; with what the
// history says of it, and with ids of new instances above the imported ones.
func TestImport(t *testing.T) {
	everywhere(t, nothing, func(t *testing.T, s *somewhere) {
		lines := dumpFile(t, s, 21)
		dry := strings.Replace(importTable(21, 21, 0), "CREATED  ", "TO CREATE  ", 1)
		got := s.run(t, "import", "in.jsonl", "--dry-run")
		if strings.Join(strings.Fields(got.stdout), " ") != strings.Join(strings.Fields(dry), " ") || got.code != exitOK || got.stderr != "This was a dry run: nothing was changed.\n" {
			t.Errorf("%+v", got)
		}
		if after := exportOf(t, s); len(after) != 3 {
			t.Fatalf("after a dry run there are %q", after)
		}
		got = s.run(t, "import", "in.jsonl")
		wantOutput(t, got, importTable(21, 21, 0))
		if got.stderr != "" {
			t.Errorf("%+v", got)
		}
		wantLines(t, exportOf(t, s), lines)
		wantOutput(t, s.run(t, "import", "in.jsonl"), importTable(21, 0, 21))
		wantOutput(t, use{somewhere: s, stdin: strings.Join(lines, "")}.run(t, "import", "-", "--output", "json"), `
[
  {
    "kind": "topology",
    "created": 0,
    "there": 7,
    "conflicts": 0
  },
  {
    "kind": "compute",
    "created": 0,
    "there": 7,
    "conflicts": 0
  },
  {
    "kind": "execution",
    "created": 0,
    "there": 7,
    "conflicts": 0
  }
]
`)
		wantLines(t, exportOf(t, s), lines)

		got = s.run(t, "history", "topology", "1", "--output", "json")
		var list struct {
			History []struct{ By, Operation string }
		}
		err := json.Unmarshal([]byte(got.stdout), &list)
		if events := list.History; err != nil || len(events) != 1 || events[0].By != operator || events[0].Operation != "import" {
			t.Errorf("the history is %+v, %v", got, err)
		}
		// Sample 18 is the last of the kind; who serves keeps the database.
		if !s.served {
			if next := nextNumber(t, s); next != 18*113+2 {
				t.Errorf("the next number is %d", next)
			}
		}
	})
}

// nextNumber takes the next id of a topology instance.
func nextNumber(t *testing.T, s *somewhere) int64 {
	t.Helper()
	var next int64
	s.inside(t, func(ctx context.Context, r *registry) (err error) {
		next, err = r.NextNumber(ctx, topology.Kind())
		return err
	})
	return next
}

// An import that is interrupted is just run again.
func TestImportInterrupted(t *testing.T) {
	lines := dumpLines(t, 400)
	everywhere(t, nothing, func(t *testing.T, s *somewhere) {
		write(t, filepath.Join(s.dir, "in.jsonl"), strings.Join(lines, ""))
		got := interrupted(t, s, "Importing").run(t, "import", "in.jsonl")
		wantFailure(t, got, exitFailed, "Run the same command again to continue: it skips what exists.")
		if !strings.Contains(got.stderr, "instances import: interrupted") {
			t.Errorf("%+v", got)
		}
		so := exportOf(t, s)
		if len(so) < 4 || len(so) >= len(lines) {
			t.Errorf("%d lines of %d", len(so), len(lines))
		}
		if got := s.run(t, "import", "in.jsonl"); got.code != exitOK {
			t.Errorf("%+v", got)
		}
		wantLines(t, exportOf(t, s), lines)
	})
}

// What is in the way is reported and left alone; all the others come.
func TestImportConflicts(t *testing.T) {
	everywhere(t, func(t *testing.T, r repository, c *clock) {
		f := &filler{t, r, c}
		create := func(i instance.Instance) {
			t.Helper()
			if err := r.Create(t.Context(), i, f.change("create"), nil); err != nil {
				t.Fatal(err)
			}
		}
		f.topology("1000", instance.Instance{Name: "holds a code", Code: "code-0"})
		other := sample(t, 3)
		other.Incarnation, other.Code = "ff", "other"
		create(other)
		newer := sample(t, 1)
		newer.Version++
		create(newer)
		edited := sample(t, 2)
		edited.Name = "edited"
		create(edited)
		// Heard of since, and otherwise the same.
		touched := sample(t, 4)
		touched.LastSeenAt, touched.IdleSince = c.Now(), c.Now()
		create(touched)
	}, func(t *testing.T, s *somewhere) {
		lines := dumpFile(t, s, 9)
		line := func(part string) int {
			for n, line := range lines {
				if strings.Contains(line, part) {
					return n + 1
				}
			}
			t.Fatalf("no %s", part)
			return 0
		}
		before := exportOf(t, s)
		wanted := []string{
			fmt.Sprintf("line %d: conflict for the topology instance 1: the topology instance 1000 has its code CODE-0\n", line(`"topology","id":"1"`)),
			fmt.Sprintf("line %d: conflict for the topology instance 340: another instance has its id\n", line(`"topology","id":"340"`)),
			fmt.Sprintf("line %d: conflict for the compute instance %s of the owner team-1: it is stored in version 3, and the file has version 2\n", line(`000000000001"`), sample(t, 1).ID),
			fmt.Sprintf("line %d: conflict for the execution instance run.2_X: it is stored in the same version, but its name differs\n", line(`"run.2_X"`)),
			"Conflicts, which changed nothing: 4\n",
		}
		for _, args := range [][]string{{"--dry-run"}, nil, nil} {
			got := s.run(t, append([]string{"import", "in.jsonl", "--output", "json"}, args...)...)
			if got.code != exitFailed || strings.Count(got.stderr, "conflict for") != 4 {
				t.Fatalf("%v: %+v", args, got)
			}
			for _, text := range wanted {
				if !strings.Contains(got.stderr, text) {
					t.Errorf("%v: no %q in %q", args, text, got.stderr)
				}
			}
			var list []transfer.Imported
			if err := json.Unmarshal([]byte(got.stdout), &list); err != nil || len(list) != 3 || list[0].Conflicts != 2 || list[1].Conflicts != 1 || list[2].Conflicts != 1 {
				t.Errorf("%v: %v in %+v", args, err, got)
			}
			after := exportOf(t, s)
			for _, line := range before[1 : len(before)-2] {
				if !strings.Contains(strings.Join(after, ""), line) {
					t.Errorf("%v: %s is no more", args, line)
				}
			}
			if want := 2 + 5 + 4; args == nil && len(after) != want+1 {
				t.Errorf("%d lines, want %d", len(after), want)
			}
			if args != nil && len(after) != len(before) {
				t.Errorf("a dry run makes %d lines of %d", len(after), len(before))
			}
		}
	})
}

// A file with a mistake changes nothing, and the mistake is named with its
// line.
func TestImportMistakes(t *testing.T) {
	t.Parallel()
	s := emptyFolder(t)
	fillFolder(t, s, fillSamples(1))
	before := strings.Join(exportOf(t, s), "")
	lines := dumpFile(t, s, 9)
	whole := strings.Join(lines, "")
	// Lines 2 to 4 are of compute, 5 to 7 of execution, 8 to 10 of topology.
	edit := func(line int, old, text string) string {
		edited := append([]string{}, lines...)
		if !strings.Contains(edited[line-1], old) {
			t.Fatalf("line %d has no %s: %s", line, old, edited[line-1])
		}
		edited[line-1] = strings.Replace(edited[line-1], old, text, 1)
		return strings.Join(edited, "")
	}
	attributes := func(line int) string {
		_, text, ok := strings.Cut(lines[line-1], `,"attributes":`)
		if !ok {
			t.Fatalf("line %d has no attributes", line)
		}
		return `,"attributes":` + text
	}
	whole8 := strings.TrimSuffix(lines[7], "\n")
	for name, test := range map[string]struct{ text, want string }{
		"empty":                   {"", "in.jsonl: the file is cut off"},
		"other file":              {"id,name\n1,x\n", `line 1: not an export of instances, which starts with {"format":"instances"`},
		"other JSON":              {"[]\n", "line 1: not an export"},
		"later version":           {edit(1, `"version":1`, `"version":2`), "line 1: version 2 of the format"},
		"cut between lines":       {strings.Join(lines[:5], ""), "the file is cut off"},
		"cut in a line":           {whole[:len(whole)-60], "line 10: the JSON is cut off"},
		"without the end":         {strings.Join(lines[:10], ""), "--resume completes it"},
		"line is missing":         {strings.Join(lines[:3], "") + strings.Join(lines[4:], ""), "there are 2 compute instances, and the last line says 3"},
		"line twice":              {strings.Join(lines[:4], "") + strings.Join(lines[3:], ""), "line 5: the compute instance 91c34f50-5181-4739-915a-000000000004 of the owner team-4 is in the file twice"},
		"behind the end":          {whole + lines[3], "line 12: comes after the end"},
		"unknown kind at the end": {edit(11, `"compute"`, `"other":1,"compute"`), `instances of "other"`},
		"no kind":                 {edit(8, `"kind":"topology",`, ``), `line 8: kind: unknown kind ""`},
		"other kind":              {edit(8, `"kind":"topology"`, `"kind":"host"`), `line 8: kind: unknown kind "host": want topology, compute or execution`},
		"unknown field":           {edit(8, `"id"`, `"collection":"x","id"`), `line 8: unknown field "collection"`},
		"empty line":              {edit(8, whole8, ""), "line 8: the line is empty"},
		"no JSON":                 {edit(8, `{`, `(`), "line 8: invalid character"},
		"two values":              {edit(8, whole8, whole8+whole8), "line 8: there is something after the JSON object"},
		"no UTF-8":                {edit(8, "Straße", "Stra\xdfe"), "line 8: not valid UTF-8"},
		"long line":               {edit(8, `"name":"`, `"name":"`+strings.Repeat("x", 4<<20)), "line 8: longer than 4194304 bytes"},
		"large instance":          {edit(8, `Number`, strings.Repeat("x", instance.MaxStoredBytes)), "line 8: the instance takes 30"},
		"wrong type":              {edit(8, `"active":true`, `"active":"yes"`), "line 8: cannot unmarshal string"},
		"id of no number":         {edit(8, `"id":"1"`, `"id":"x"`), `line 8: id: no topology instance can have the id "x"`},
		"other form of a number":  {edit(8, `"id":"1"`, `"id":"01"`), `line 8: id: no topology instance can have the id "01"`},
		"large number":            {edit(8, `"id":"1"`, `"id":"9007199254740992"`), "line 8: id: 9007199254740992 is larger than 9007199254740991"},
		"upper case":              {edit(2, sample(t, 1).ID, strings.ToUpper(sample(t, 1).ID)), "line 2: id: no compute instance"},
		"slash in an id":          {edit(5, `run.`, `run/`), `line 5: id: no execution instance can have the id`},
		"no owner":                {edit(2, `"owner":"team-1",`, ``), `line 2: owner: ""`},
		"bad owner":               {edit(8, `"owner":"team-0"`, `"owner":"a b"`), `line 8: owner: "a b" is not 1 to 64`},
		"no version":              {edit(8, `"version":1,`, ``), "line 8: version: 0 is not positive"},
		"no incarnation":          {edit(8, `"incarnation":"0000000000000001",`, ``), "line 8: incarnation:"},
		"no time":                 {edit(8, `"createdAt":"2024-02-28T23:59:59.001Z",`, ``), "line 8: createdAt: is missing"},
		"no time of update":       {edit(8, `"updatedAt":"2024-02-29T00:59:59.001Z",`, ``), "line 8: updatedAt: is missing"},
		"bad time":                {edit(8, `2024-02-28T23:59:59.001Z`, `2024-02-28`), `line 8: "2024-02-28" is not a time such as`},
		"time before 1970":        {edit(8, `2024-02-28T23:59:59.001Z`, `1969-02-28T23:59:59.001Z`), "is not a time such as"},
		"number for a time":       {edit(8, `"2024-02-28T23:59:59.001Z"`, `7`), "line 8: 7 is not a time"},
		"no attributes":           {edit(8, attributes(8), "}\n"), "line 8: attributes: not a JSON object"},
		"list of attributes":      {edit(5, attributes(5), `,"attributes":[]}`+"\n"), "line 5: attributes: not a JSON object"},
		"attributes of others":    {edit(8, `"environments":[`, `"environments":["x",`), "line 8: decode attributes of topology 1"},
		"rule of the dialect":     {edit(2, `"type":"cpu"`, `"type":"tpu"`), `line 2: attributes: the type "tpu"`},
	} {
		write(t, filepath.Join(s.dir, "in.jsonl"), test.text)
		got := s.run(t, "import", "in.jsonl")
		if got.code != exitFailed || got.stdout != "" || !strings.Contains(got.stderr, test.want) || !strings.Contains(got.stderr, "Nothing was changed") {
			t.Errorf("%s: %+v, want %q", name, got, test.want)
		}
		if after := strings.Join(exportOf(t, s), ""); after != before {
			t.Fatalf("%s: it becomes\n%s", name, after)
		}
	}
	if next := nextNumber(t, s); next >= 99_999+10 {
		t.Errorf("the next number is %d", next)
	}
	t.Run("many", func(t *testing.T) {
		t.Parallel()
		got := use{somewhere: s, stdin: lines[0] + strings.Repeat("x\n", 50)}.run(t, "import", "-")
		if got.code != exitFailed || strings.Count(got.stderr, "line ") != 10 || !strings.Contains(got.stderr, "There may be more.") || !strings.Contains(got.stderr, "standard input: line 2") {
			t.Errorf("%+v", got)
		}
	})
	t.Run("no file", func(t *testing.T) {
		t.Parallel()
		wantFailure(t, s.run(t, "import", "absent.jsonl"), exitFailed, "absent.jsonl: no such file")
		wantFailure(t, s.run(t, "import", "."), exitFailed, "is a directory")
	})
	// The line end of another system, and none at the end, are no mistakes.
	t.Run("line ends", func(t *testing.T) {
		t.Parallel()
		own := emptyFolder(t)
		write(t, filepath.Join(own.dir, "in.jsonl"), strings.TrimSuffix(strings.ReplaceAll(whole, "\n", "\r\n"), "\r\n"))
		wantOutput(t, own.run(t, "import", "in.jsonl"), importTable(9, 9, 0))
		wantLines(t, exportOf(t, own), lines)
	})
}

// No copy of standard input is left, whatever becomes of the import.
func TestImportKeepsNoInput(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	s := emptyFolder(t)
	lines := dumpFile(t, s, 3)
	for _, stdin := range []string{strings.Join(lines, ""), "mistake"} {
		used := false
		input := io.MultiReader(strings.NewReader(stdin), readerFunc(func([]byte) (int, error) {
			entries, err := os.ReadDir(temp)
			used = err == nil && len(entries) == 1
			return 0, io.EOF
		}))
		execute(t.Context(), []string{"import", "-"}, environmentIn(s.dir, input, io.Discard, io.Discard))
		if entries, err := os.ReadDir(temp); err != nil || len(entries) > 0 || !used {
			t.Errorf("%v is left, %v, used %v", entries, err, used)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	stdin, w := io.Pipe()
	defer func() { _ = w.Close() }()
	asked := readerFunc(func(b []byte) (int, error) { cancel(); return stdin.Read(b) })
	var stderr bytes.Buffer
	if code := execute(ctx, []string{"import", "-"}, environmentIn(s.dir, asked, io.Discard, &stderr)); code != exitFailed || !strings.Contains(stderr.String(), "interrupted") {
		t.Errorf("code %d, %s", code, &stderr)
	}
	if entries, err := os.ReadDir(temp); err != nil || len(entries) > 0 {
		t.Errorf("%v is left, %v", entries, err)
	}
}

// The history of what is imported expires as the flag says.
func TestImportHistoryRetention(t *testing.T) {
	t.Parallel()
	s := emptyFolder(t)
	dumpFile(t, s, 3)
	if got := s.run(t, "import", "in.jsonl", "--history-retention", "2d"); got.code != exitOK {
		t.Fatalf("%+v", got)
	}
	for days, want := range map[int]int{1: 0, 3: 3} {
		r, err := bolt.Open(filepath.Join(s.dir, ".data", databaseName), bolt.Options{Now: s.clock.Now})
		if err != nil {
			t.Fatal(err)
		}
		expired, err := r.Tidy(t.Context(), nil, s.clock.Now().AddDate(0, 0, days), 0)
		if err != nil || expired != want {
			t.Errorf("after %d days: %d, %v", days, expired, err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A bar is drawn where a person watches, also of a command that runs in the
// process that serves, and nowhere else.
func TestProgress(t *testing.T) {
	t.Parallel()
	for _, serving := range []bool{false, true} {
		for _, terminal := range []bool{false, true} {
			t.Run(strconv.FormatBool(serving)+" "+strconv.FormatBool(terminal), func(t *testing.T) {
				t.Parallel()
				s := emptyFolder(t)
				lines := dumpFile(t, s, 9)
				if serving {
					startServe(t, s.dir)
				}
				u := use{somewhere: s, terminal: terminal}
				imported := u.run(t, "import", "in.jsonl")
				exported := u.run(t, "export", "--to", "out.jsonl")
				for what, got := range map[string]result{"Checking": imported, "Importing": imported, "Exporting": exported} {
					if got.code != exitOK || strings.Contains(got.stderr, what) != terminal || strings.Contains(got.stderr, "\r") != terminal {
						t.Errorf("%s: %+v", what, got)
					}
				}
				wantLines(t, strings.SplitAfter(readFile(t, s, "out.jsonl"), "\n"), lines)
				if got := u.run(t, "export"); strings.Contains(got.stderr, "\r") || strings.Contains(got.stdout, "\r") {
					t.Errorf("to standard output: %+v", got)
				}
			})
		}
	}
}

// What could be stored before the APIs limited its depth can be moved, up to
// the 10,000 levels that encoding/json takes at once.
func TestMoveDeepValues(t *testing.T) {
	t.Parallel()
	from, to := emptyFolder(t), emptyFolder(t)
	nested := func(levels int) string { return strings.Repeat(`{"[":[`, levels/2) + strings.Repeat("]}", levels/2) }
	fillFolder(t, from, func(t *testing.T, r repository, c *clock) {
		t.Helper()
		f := &filler{t, r, c}
		for n, levels := range []int{100, 102, 9_998} {
			f.execution(fmt.Sprintf("deep-%d", n), instance.Instance{
				Group: "m", SubGroup: "u", Name: "n", Status: "created", Owner: "team",
				Attributes: json.RawMessage(`{"mode":"ExecSync","input":[` + nested(levels) + `],"output":"\"{["}`),
			})
		}
	})
	lines := exportOf(t, from)
	write(t, filepath.Join(to.dir, "in.jsonl"), strings.Join(lines, ""))
	if got := to.run(t, "import", "in.jsonl"); got.code != exitOK {
		t.Fatalf("import: %d %s", got.code, got.stderr)
	}
	if back := exportOf(t, to); strings.Join(back[1:], "") != strings.Join(lines[1:], "") {
		t.Error("what arrived is not what left")
	}
	// An export continues after such a line too.
	last := len(lines) - 2 // the end, behind which there is nothing
	write(t, filepath.Join(from.dir, "out.jsonl"), strings.Join(lines[:last-1], ""))
	if got := from.run(t, "export", "--to", "out.jsonl", "--resume"); got.code != exitOK {
		t.Fatalf("export: %d %s", got.code, got.stderr)
	}
	if text := readFile(t, from, "out.jsonl"); text != strings.Join(lines, "") {
		t.Error("the export that went on is another one")
	}
	// What is wrong in a line that deep is still found.
	for name, test := range map[string]struct{ old, changed, want string }{
		"another field": {`"active"`, `"activ"`, `unknown field "activ"`},
		"its kind":      {`"version":1`, `"version":"1"`, "version"},
		"too deep":      {`"input":[`, `"input":[[[`, "max depth"},
		"behind it":     {"}\n", "} {}\n", "max depth"},
	} {
		text := slices.Clone(lines)
		for n := range text {
			if strings.Contains(text[n], `"deep-2"`) {
				text[n] = strings.Replace(text[n], test.old, test.changed, 1)
				if name == "too deep" {
					text[n] = strings.Replace(text[n], `],"output"`, `]]],"output"`, 1)
				}
			}
		}
		bad := emptyFolder(t)
		write(t, filepath.Join(bad.dir, "in.jsonl"), strings.Join(text, ""))
		if got := bad.run(t, "import", "in.jsonl"); got.code == exitOK || !strings.Contains(got.stderr, test.want) {
			t.Errorf("%s: %d %.300s, want %q", name, got.code, got.stderr, test.want)
		}
	}
}
