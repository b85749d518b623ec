package app_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "instances/"

// dialects are the packages that speak one API each.
func dialects() []string { return []string{"topology", "compute", "execution"} }

// listed is a package as go list tells it.
type listed struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Deps       []string
	// TestImports and XTestImports are what the tests import.
	TestImports, XTestImports []string
}

// list returns the packages of this module and all that they depend on.
func list(t *testing.T) map[string]listed {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps",
		"-json=ImportPath,Standard,Imports,Deps,TestImports,XTestImports", module+"...").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatalf("go list: %v", err)
	}
	packages := map[string]listed{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		packages[p.ImportPath] = p
	}
}

// within reports whether path is one of the packages, or below one.
func within(path string, packages ...string) bool {
	return slices.ContainsFunc(packages, func(p string) bool {
		return path == p || strings.HasPrefix(path, p+"/")
	})
}

func TestImports(t *testing.T) {
	t.Parallel()
	packages := list(t)
	const (
		sdk   = "github.com/aws/aws-sdk-go-v2"
		smith = "github.com/aws/smithy-go"
		proxy = "github.com/awslabs/aws-lambda-go-api-proxy"
	)

	t.Run("dialects", func(t *testing.T) {
		t.Parallel()
		found := false
		for _, dialect := range dialects() {
			for path, p := range packages {
				if !within(path, module+"pkg/"+dialect) {
					continue
				}
				found = true
				for _, dep := range p.Deps {
					other := slices.ContainsFunc(dialects(), func(d string) bool {
						return d != dialect && within(dep, module+"pkg/"+d)
					})
					if other || strings.HasPrefix(dep, module+"pkg/repository/") ||
						within(dep, module+"pkg/lambdahttp", module+"pkg/app", module+"pkg/cmd", "github.com/aws", "github.com/awslabs") {
						t.Errorf("%s depends on %s", path, dep)
					}
				}
			}
		}
		if !found {
			t.Error("no dialect was found")
		}
	})

	t.Run("instance imports the standard library only", func(t *testing.T) {
		t.Parallel()
		p, ok := packages[module+"pkg/instance"]
		if !ok {
			t.Fatal("pkg/instance was not found")
		}
		for _, path := range p.Imports {
			if !packages[path].Standard {
				t.Errorf("pkg/instance imports %s", path)
			}
		}
	})

	t.Run("who may import what, tests included", func(t *testing.T) {
		t.Parallel()
		for _, rule := range []struct {
			imported []string
			by       []string
		}{
			{[]string{proxy}, []string{module + "pkg/lambdahttp"}},
			{[]string{sdk, smith}, []string{module + "pkg/repository/dynamo", module + "pkg/cmd", module + "pkg/internal/dev"}},
			{[]string{sdk + "/config"}, []string{module + "pkg/cmd"}},
			{
				[]string{"github.com/aws/aws-lambda-go"},
				[]string{module + "pkg/lambdahttp", module + "pkg/app", module + "pkg/gateway", module + "pkg/rehearsal", module + "pkg/internal/dev"},
			},
			{[]string{"go.etcd.io/bbolt"}, []string{module + "pkg/repository/bolt"}},
			{[]string{"github.com/getkin/kin-openapi", "github.com/santhosh-tekuri/jsonschema/v6"}, []string{module + "pkg/app/apptest"}},
			{[]string{"github.com/swaggest/swgui"}, []string{module + "pkg/reference"}},
			{[]string{"github.com/chromedp"}, []string{module + "pkg/reference/browsertest"}},
			{[]string{"github.com/schollz/progressbar/v3", "golang.org/x/term"}, []string{module + "pkg/cmd"}},
		} {
			found := false
			for path, p := range packages {
				if !strings.HasPrefix(path, module) {
					continue
				}
				for _, imported := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
					if !within(imported, rule.imported...) {
						continue
					}
					found = true
					if !within(strings.TrimSuffix(path, "_test"), rule.by...) {
						t.Errorf("%s imports %s", path, imported)
					}
				}
			}
			if !found {
				t.Errorf("nobody imports %s: the rule is out of date", rule.imported)
			}
		}
	})

	t.Run("functions link what they need", func(t *testing.T) {
		t.Parallel()
		found := false
		for path, p := range packages {
			if path != module+"pkg/app" && !within(path, module+"functions") || path == module+"functions/reference" {
				continue
			}
			found = true
			for _, dep := range p.Deps {
				if within(dep, sdk+"/config", "go.etcd.io/bbolt", "go.yaml.in/yaml/v3", "gopkg.in/yaml.v3", "testing",
					"github.com/swaggest/swgui",
					module+"pkg/template", module+"pkg/gateway", module+"pkg/rehearsal", module+"pkg/cmd", module+"pkg/internal", module+"pkg/repository/bolt",
					module+"pkg/repository/repositorytest", module+"pkg/repository/dynamo/dynamotest") {
					t.Errorf("%s depends on %s", path, dep)
				}
			}
		}
		if !found {
			t.Error("no function was found")
		}
		// It has nothing to do with the table.
		p, ok := packages[module+"functions/reference"]
		if !ok {
			t.Error("functions/reference was not found")
		}
		for _, dep := range p.Deps {
			if within(dep, sdk, smith, module+"pkg/repository/dynamo", module+"pkg/repository/bolt", "testing", module+"pkg/template") || dep == module+"pkg/app" {
				t.Errorf("functions/reference depends on %s", dep)
			}
		}
	})
}

// What the dialects share does not know them.
func TestNoDialectIsNamedBelow(t *testing.T) {
	t.Parallel()
	name := regexp.MustCompile(`(?i)\b(` + strings.Join(dialects(), "|") + `)\b`)
	for _, dir := range []string{"instance", "repository"} {
		root := filepath.Join("..", dir)
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" {
				return err
			}
			text, err := os.ReadFile(path)
			for i, line := range strings.Split(string(text), "\n") {
				if word := name.FindString(line); word != "" {
					t.Errorf("%s:%d names %q", path, i+1, word)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
