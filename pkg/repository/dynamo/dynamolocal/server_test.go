package dynamolocal

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"instances/pkg/internal/dev"
)

// A server answers from its start to its stop, also beside another one.
func TestStart(t *testing.T) {
	t.Parallel()
	root, err := dev.Root()
	if err != nil {
		t.Fatal(err)
	}
	server, err := Start(t.Context(), root)
	if errors.Is(err, ErrMissing) {
		if ci, _ := strconv.ParseBool(os.Getenv("CI")); !ci {
			t.Skipf("NOT TESTED: %v", err)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	if !server.answers(t.Context()) {
		t.Error("it does not answer")
	}
	server.Stop()
	if server.answers(t.Context()) {
		t.Error("it answers after its stop")
	}
}

// A port that another program answers at is not taken for the engine.
func TestAnswersOfAnother(t *testing.T) {
	t.Parallel()
	another := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(another.Close)
	if (&Server{Endpoint: another.URL}).answers(t.Context()) {
		t.Error("another program is taken for the engine")
	}
}

// What ends at once is reported with what it said, and a few times only.
func TestStartFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program := filepath.Join(dir, "java")
	script := "#!/bin/sh\necho tried >> " + filepath.Join(dir, "log") + "\necho no memory\nexit 1\n"
	if err := os.WriteFile(program, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := startAny(t.Context(), program, dir)
	if err == nil || !strings.Contains(err.Error(), "no memory") {
		t.Errorf("error is %v", err)
	}
	tries, err := os.ReadFile(filepath.Join(dir, "log"))
	if err != nil || strings.Count(string(tries), "tried") != startTries {
		t.Errorf("tries: %q, %v", tries, err)
	}
}

// A caller who gives up is not kept waiting.
func TestStartCancelled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program := filepath.Join(dir, "java")
	if err := os.WriteFile(program, []byte("#!/bin/sh\nexec sleep 60\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := startAny(ctx, program, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

// An engine does not outlive the process that started it, however that ends.
func TestLeash(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("/bin/sh", "-c", leashed, "sh", "/bin/sh", "-c", "echo started; exec sleep 60")
	leash, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	// The program holds its output open for as long as it runs.
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(output)
	if line, err := lines.ReadString('\n'); err != nil || line != "started\n" {
		t.Fatalf("it says %q, %v", line, err)
	}
	if err := leash.Close(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(lines); err != nil || len(rest) > 0 {
		t.Errorf("it says %q, %v", rest, err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("it was not killed")
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	var end tail
	for range 10_000 {
		_, _ = end.Write([]byte("line\n"))
	}
	_, _ = end.Write([]byte("last"))
	if got := end.String(); len(got) > 4<<10 || !strings.HasSuffix(got, "line\nlast") {
		t.Errorf("%d bytes are kept", len(got))
	}
}

// A fresh download takes the place of a former version, and of nothing where
// another process has put the same there.
func TestReplaceFolder(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, there, want string }{
		{"nothing there", "", "fresh"},
		{"former version", "old pom", "fresh"},
		{"same version", "pom", "there"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir, fresh := filepath.Join(t.TempDir(), "jars"), filepath.Join(t.TempDir(), "fresh")
			fill := func(folder, pom, jar string) {
				for _, err := range []error{
					os.Mkdir(folder, 0o755),
					os.WriteFile(filepath.Join(folder, "pom.xml"), []byte(pom), 0o644),
					os.WriteFile(filepath.Join(folder, "x.jar"), []byte(jar), 0o644),
				} {
					if err != nil {
						t.Fatal(err)
					}
				}
			}
			fill(fresh, "pom", "fresh")
			if test.there != "" {
				fill(dir, test.there, "there")
			}
			if err := replaceFolder(dir, fresh, []byte("pom")); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(filepath.Join(dir, "x.jar")); err != nil || string(got) != test.want {
				t.Errorf("jar is %q, %v, want %q", got, err, test.want)
			}
			if rest, err := filepath.Glob(fresh + "-*"); err != nil || len(rest) > 0 {
				t.Errorf("left over: %v, %v", rest, err)
			}
		})
	}
}
