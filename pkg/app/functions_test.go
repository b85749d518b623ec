package app_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"instances/pkg/app"
	"instances/pkg/lambdahttp"
)

// Each folder of functions/ is a function of its name, in a main of a few
// lines, and the other way round.
func TestFolders(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..", "functions")
	folders, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	missing := app.Functions()
	for _, folder := range folders {
		if !folder.IsDir() {
			continue
		}
		name := folder.Name()
		if _, ok := missing[name]; !ok {
			t.Errorf("functions/%s is no function", name)
		}
		delete(missing, name)
		main, err := os.ReadFile(filepath.Join(root, name, "main.go"))
		if err != nil {
			t.Error(err)
			continue
		}
		start := regexp.MustCompile(`(?m)^func main\(\) \{ app\.Start\(app\.(\w+)\) \}$`).FindSubmatch(main)
		if start == nil || !strings.EqualFold(string(start[1]), strings.ReplaceAll(name, "-", "")) {
			t.Errorf("functions/%s does not start its function", name)
		}
		if lines := bytes.Count(main, []byte("\n")); lines > 20 {
			t.Errorf("functions/%s/main.go has %d lines", name, lines)
		}
	}
	for name := range missing {
		t.Errorf("functions/%s is missing", name)
	}
}

// The lists are streamed, and nothing else.
func TestStreamers(t *testing.T) {
	t.Parallel()
	for name, function := range app.Functions() {
		_, streams := function(app.Dependencies{}).(lambdahttp.Streamer)
		list := name == "topology-search" || name == "topology-history" || name == "compute-list" || name == "execution-list"
		if streams != list {
			t.Errorf("%s streams: %v, want %v", name, streams, list)
		}
	}
}
