package app_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"instances/pkg/app"
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
		var identifier strings.Builder
		for word := range strings.SplitSeq(name, "-") {
			identifier.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
		if !bytes.Contains(main, []byte("func main() { app.Start(app."+identifier.String()+") }")) {
			t.Errorf("functions/%s does not start app.%s", name, &identifier)
		}
		if lines := bytes.Count(main, []byte("\n")); lines > 20 {
			t.Errorf("functions/%s/main.go has %d lines", name, lines)
		}
	}
	for name := range missing {
		t.Errorf("functions/%s is missing", name)
	}
}
