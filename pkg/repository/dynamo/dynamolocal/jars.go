package dynamolocal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// ErrMissing says that a program that is needed is not installed.
var ErrMissing = errors.New("not installed")

// jars returns the folder with the jars, and fills it first where it is not
// what the pom says.
func jars(ctx context.Context, root string) (string, error) {
	pom := filepath.Join(root, ".ci", "dynamodb-local", "pom.xml")
	pinned, err := os.ReadFile(pom)
	if err != nil {
		return "", fmt.Errorf("read pin: %w", err)
	}
	build := filepath.Join(root, ".build")
	dir := filepath.Join(build, "dynamodb-local")
	// The folder holds the pom that it was filled by.
	if filledBy(dir, pinned) {
		return dir, nil
	}
	maven, err := exec.LookPath("mvn")
	if err != nil {
		return "", fmt.Errorf("mvn: %w", ErrMissing)
	}
	// It is filled beside and moved as a whole, so that a download that is
	// interrupted leaves nothing that looks complete.
	if err := os.MkdirAll(build, 0o755); err != nil {
		return "", fmt.Errorf("make folder: %w", err)
	}
	fresh, err := os.MkdirTemp(build, "dynamodb-local-")
	if err != nil {
		return "", fmt.Errorf("make folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(fresh) }()
	cmd := exec.CommandContext(ctx, maven, "-B", "-q", "-f", pom,
		"dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory="+fresh)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("download DynamoDB Local: %w\n%s", err, out)
	}
	if err := os.WriteFile(filepath.Join(fresh, "pom.xml"), pinned, 0o644); err != nil {
		return "", fmt.Errorf("write pin: %w", err)
	}
	return dir, replaceFolder(dir, fresh, pinned)
}

// replaceFolder moves fresh to dir, unless another process just did the same,
// and may already run from there. A former version is moved away first.
func replaceFolder(dir, fresh string, pinned []byte) error {
	err := os.Rename(fresh, dir)
	if err == nil || filledBy(dir, pinned) {
		return nil
	}
	former := fresh + "-former"
	if err := os.Rename(dir, former); err != nil {
		return fmt.Errorf("move former version: %w", err)
	}
	defer func() { _ = os.RemoveAll(former) }()
	if err := os.Rename(fresh, dir); err != nil && !filledBy(dir, pinned) {
		return fmt.Errorf("move new version: %w", err)
	}
	return nil
}

// filledBy reports whether the folder was filled by that pom.
func filledBy(dir string, pinned []byte) bool {
	was, err := os.ReadFile(filepath.Join(dir, "pom.xml"))
	return err == nil && bytes.Equal(was, pinned)
}
