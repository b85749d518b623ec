package dynamolocal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// ErrMissing reports that the engine, or a program that it needs, is not
// installed. Where the engine could not be installed, lines with the reason
// follow the first one of the text.
var ErrMissing = errors.New("not installed")

// sources are the files that pin the engine and start it.
func sources() []string { return []string{"pom.xml", "Loopback.java"} }

// jars returns the folder with the engine, and fills it first where it was not
// filled from the sources as they are now.
func jars(ctx context.Context, java, root string) (string, error) {
	from := filepath.Join(root, ".ci", "dynamodb-local")
	build := filepath.Join(root, ".build")
	dir := filepath.Join(build, "dynamodb-local")
	if filledFrom(from, dir) {
		return dir, nil
	}
	maven, err := exec.LookPath("mvn")
	if err != nil {
		return "", fmt.Errorf("mvn: %w", ErrMissing)
	}
	// It is filled next to its place and moved as a whole, so that an
	// interrupted download leaves nothing that looks complete.
	if err := os.MkdirAll(build, 0o755); err != nil {
		return "", fmt.Errorf("make folder: %w", err)
	}
	fresh, err := os.MkdirTemp(build, "dynamodb-local-")
	if err != nil {
		return "", fmt.Errorf("make folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(fresh) }()
	for _, step := range [][]string{
		{
			maven, "-B", "-q", "-f", filepath.Join(from, "pom.xml"),
			"dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=" + fresh,
		},
		{
			java, "-cp", filepath.Join(fresh, "*"), "org.eclipse.jdt.internal.compiler.batch.Main",
			"-17", "-d", fresh, filepath.Join(from, "Loopback.java"),
		},
	} {
		if out, err := exec.CommandContext(ctx, step[0], step[1:]...).CombinedOutput(); err != nil {
			return "", fmt.Errorf("%w, since %s failed: %w\n%s", ErrMissing, filepath.Base(step[0]), err, out)
		}
	}
	for _, name := range sources() {
		content, err := os.ReadFile(filepath.Join(from, name))
		if err == nil {
			err = os.WriteFile(filepath.Join(fresh, name), content, 0o644)
		}
		if err != nil {
			return "", fmt.Errorf("copy %s: %w", name, err)
		}
	}
	return dir, replaceFolder(from, dir, fresh)
}

// replaceFolder moves fresh to dir, unless another process just did the same,
// and may already run from there. It moves a former version away first.
func replaceFolder(from, dir, fresh string) error {
	err := os.Rename(fresh, dir)
	if err == nil || filledFrom(from, dir) {
		return nil
	}
	former := fresh + "-former"
	if err := os.Rename(dir, former); err != nil {
		return fmt.Errorf("move former version: %w", err)
	}
	defer func() { _ = os.RemoveAll(former) }()
	if err := os.Rename(fresh, dir); err != nil && !filledFrom(from, dir) {
		return fmt.Errorf("move new version: %w", err)
	}
	return nil
}

// filledFrom reports whether dir was filled from the sources in from, of which
// it holds copies.
func filledFrom(from, dir string) bool {
	for _, name := range sources() {
		want, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			return false
		}
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(got) != string(want) {
			return false
		}
	}
	return true
}
