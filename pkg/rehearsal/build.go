package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// build builds packages with the flags of the deployment. $1 is the folder for
// the binaries; the other arguments are for go build.
const build = `source .ci/flags.sh && out=$1 && shift && exec go build -o "$out" "$@"`

// Build builds the functions of the project in root and returns the folder of the
// binaries. Binaries that are up to date are not touched, and others are replaced
// atomically, so that several programs may build and run them at the same time.
func Build(ctx context.Context, root string) (string, error) {
	return BuildPackages(ctx, root, "rehearsal", "./functions/...")
}

// BuildPackages is like [Build], but builds into a folder with the given name and
// passes the arguments to go build.
func BuildPackages(ctx context.Context, root, name string, arguments ...string) (string, error) {
	out, err := filepath.Abs(filepath.Join(root, ".build", name))
	if err != nil {
		return "", fmt.Errorf("build the functions: %w", err)
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return "", fmt.Errorf("build the functions: %w", err)
	}
	cmd := exec.CommandContext(ctx, "bash", append([]string{"-euo", "pipefail", "-c", build, "build", out + string(filepath.Separator)}, arguments...)...)
	cmd.Dir = root
	// go build moves binaries into place only within one file system.
	cmd.Env = append(cmd.Environ(), "GOTMPDIR="+filepath.Dir(out), "GOOS=", "GOARCH=")
	if output, err := cmd.CombinedOutput(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return "", fmt.Errorf("build the functions: %w", err)
		}
		return "", fmt.Errorf("build the functions: %w\n%s", err, output)
	}
	return out, nil
}
