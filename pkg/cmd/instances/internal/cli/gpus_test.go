package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"instances/pkg/compute"
)

const (
	gpuUUID = "00000000-0000-4000-8000-000000000001"
	// oneGPU is a catalogue.
	oneGPU = `[{"uuid": "` + gpuUUID + `", "name": "My card", "codename": "MC1", "cuda_cores": 12, "is_available": false}]`
)

// secondGPU returns a catalogue whose second entry is this.
func secondGPU(entry string) string { return strings.TrimSuffix(oneGPU, "]") + "," + entry + "]" }

// The default catalogue gives way to one that is imported, from a file or from
// standard input. What is listed as JSON can be imported.
func TestGPUs(t *testing.T) {
	everywhere(t, nothing, func(t *testing.T, s *somewhere) {
		got := s.run(t, "gpus", "list")
		if got.code != exitOK || strings.Count(got.stdout, "\n") != len(compute.DefaultGPUs())+1 || !strings.Contains(got.stderr, "default catalogue") {
			t.Errorf("default: %+v", got)
		}
		got = use{somewhere: s, stdin: oneGPU}.run(t, "gpus", "import", "-")
		if got.code != exitOK || got.stdout != "" || got.stderr != "The catalogue of GPUs now has 1 entry.\n" {
			t.Errorf("import: %+v", got)
		}
		got = s.run(t, "gpus", "list")
		wantOutput(t, got, `
UUID                                  NAME     CODENAME  CUDA CORES  AVAILABLE
`+gpuUUID+`  My card  MC1       12          no
`)
		if !strings.Contains(got.stderr, "was imported") {
			t.Errorf("imported: %+v", got)
		}
		write(t, filepath.Join(s.dir, "gpus.json"), secondGPU(`{"uuid": "00000000-0000-4000-8000-00000000000A", "name": "Other"}`))
		if got := s.run(t, "gpus", "import", "gpus.json"); got.code != exitOK || !strings.Contains(got.stderr, "2 entries") {
			t.Errorf("import of a file: %+v", got)
		}
		listed := s.run(t, "gpus", "list", "--output", "json")
		var list []compute.GPU
		if err := json.Unmarshal([]byte(listed.stdout), &list); err != nil || len(list) != 2 || list[1].UUID != "00000000-0000-4000-8000-00000000000a" {
			t.Errorf("%v in %+v", err, listed)
		}
		if got := (use{somewhere: s, stdin: listed.stdout}).run(t, "gpus", "import", "-"); got.code != exitOK {
			t.Errorf("import of what was listed: %+v", got)
		}
		if again := s.run(t, "gpus", "list", "--output", "json"); again != listed {
			t.Errorf("listed %+v, then %+v", listed, again)
		}
	})
}

// A server knows an imported catalogue at once, of a file in the client's folder
// and not in its own.
func TestGPUsWhileServing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := startServe(t, dir)
	secret := fileSecret(t, filepath.Join(dir, ".data"))
	body := `{"name":"One","ask_price":1,"type":"gpu","gpu":"` + gpuUUID + `"}`
	if status, answer := sendTo(t, s.url+compute.BasePath, secret, "POST", body); status != http.StatusBadRequest || !strings.Contains(answer, `"gpu":`) {
		t.Errorf("before: %d %s", status, answer)
	}
	client := filepath.Join(dir, "client")
	if err := os.Mkdir(client, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(client, "gpus.json"), oneGPU)
	if got := instances(t, client, "gpus", "import", "gpus.json", "--data", "../.data"); got.code != exitOK {
		t.Fatalf("%+v", got)
	}
	if status, answer := sendTo(t, s.url+compute.BasePath, secret, "POST", body); status != http.StatusOK || !strings.Contains(answer, `"gpu_name":"My card"`) {
		t.Errorf("after: %d %s", status, answer)
	}
	if status, answer := sendTo(t, s.url+"/api/v1/gpus/", secret, "GET", ""); status != http.StatusOK || strings.Count(answer, `"uuid"`) != 1 || !strings.Contains(answer, gpuUUID) {
		t.Errorf("list: %d %s", status, answer)
	}
}

// What is wrong with a catalogue is named, with its entry and field, and
// changes nothing.
func TestGPUsImportRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secretOf(t, instances(t, dir, "keys", "create", "--name", "ci", "--allow", "*"))
	if got := withInput(t, dir, oneGPU, "gpus", "import", "-"); got.code != exitOK {
		t.Fatalf("%+v", got)
	}
	before := instances(t, dir, "gpus", "list")
	var many strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&many, `,{"uuid":"00000000-0000-4000-9000-%012d","name":"Card","codename":"C"}`, i)
	}
	const uuid = `"uuid": "00000000-0000-4000-8000-000000000002"`
	for name, test := range map[string]struct {
		input string
		want  []string
	}{
		"nothing":        {"", []string{"standard input", "JSON"}},
		"cut off":        {oneGPU[:20], []string{"JSON"}},
		"no list":        {`{}`, []string{"JSON list"}},
		"no uuid":        {secondGPU(`{"name": "b"}`), []string{"entry 2", "uuid"}},
		"wrong uuid":     {secondGPU(`{"uuid": "b", "name": "b"}`), []string{"entry 2", `uuid "b"`}},
		"uuid twice":     {secondGPU(`{"uuid": "` + gpuUUID + `", "name": "b"}`), []string{"entry 2", "uuid", "entry 1"}},
		"no name":        {secondGPU(`{` + uuid + `}`), []string{"entry 2", "name"}},
		"negative cores": {secondGPU(`{` + uuid + `, "name": "b", "cuda_cores": -1}`), []string{"entry 2", "cuda_cores"}},
		"cores as text":  {secondGPU(`{` + uuid + `, "name": "b", "cuda_cores": "12"}`), []string{"entry 2", "cuda_cores"}},
		"unknown field":  {secondGPU(`{` + uuid + `, "name": "b", "cores": 12}`), []string{"entry 2", "cores"}},
		"too many":       {secondGPU(many.String()[1:]), []string{"import fewer GPUs"}},
		"too large":      {strings.Repeat(" ", maxCatalogue) + oneGPU, []string{"larger than 1048576 bytes"}},
	} {
		got := withInput(t, dir, test.input, "gpus", "import", "-")
		if got.code != exitFailed || got.stdout != "" {
			t.Errorf("%s: %+v", name, got)
		}
		for _, part := range test.want {
			if !strings.Contains(got.stderr, part) {
				t.Errorf("%s: no %q in %q", name, part, got.stderr)
			}
		}
	}
	got := instances(t, dir, "gpus", "import", "absent.json")
	if got.code != exitFailed || !strings.Contains(got.stderr, filepath.Join(dir, "absent.json")) {
		t.Errorf("no file: %+v", got)
	}
	if after := instances(t, dir, "gpus", "list"); after != before {
		t.Errorf("listed %+v, then %+v", before, after)
	}
}
