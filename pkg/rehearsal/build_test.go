package rehearsal_test

import (
	"debug/buildinfo"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"instances/pkg/rehearsal"
)

// Functions are built as for deployment, except for the platform, and not rebuilt if
// they are up to date.
func TestBuild(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	// Other tests may build all functions at the same time.
	build := func() string {
		folder, err := rehearsal.BuildPackages(t.Context(), root, "rehearsal-test", "./functions/topology-get")
		if err != nil {
			t.Fatal(err)
		}
		return folder
	}
	folder := build()
	binary := filepath.Join(folder, "topology-get")
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, s := range info.Settings {
		got[s.Key] = s.Value
	}
	for name, want := range map[string]string{
		"-trimpath": "true", "-tags": "lambda.norpc", "CGO_ENABLED": "0", "GOOS": runtime.GOOS, "GOARCH": runtime.GOARCH, "vcs": "",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	before, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	build()
	if after, err := os.Stat(binary); err != nil || !os.SameFile(before, after) {
		t.Errorf("it was built again: %v", err)
	}
}

// Compile errors are returned.
func TestBuildFails(t *testing.T) {
	t.Parallel()
	_, err := rehearsal.BuildPackages(t.Context(), filepath.Join("..", ".."), "rehearsal-test", "./functions/absent")
	if err == nil || !strings.Contains(err.Error(), "absent") {
		t.Errorf("error %v", err)
	}
	_, err = rehearsal.Build(t.Context(), t.TempDir())
	if err == nil || !strings.Contains(err.Error(), "flags.sh") {
		t.Errorf("error %v", err)
	}
}
