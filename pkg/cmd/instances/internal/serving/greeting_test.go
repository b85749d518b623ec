package serving

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The quick start of the README shows the lines that the first start prints.
func TestGreetingInReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.Join("..", "..", "..", "..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var printed bytes.Buffer
	greeting{url: "http://" + DefaultHost + ":3000", dir: ".data"}.print(&printed)
	_, lines, _ := strings.Cut(printed.String(), "in this folder:\n\n")
	if block := "```\n" + strings.TrimSpace(lines) + "\n```\n"; !strings.Contains(string(readme), block) {
		t.Errorf("the README lacks\n%s", block)
	}
}
