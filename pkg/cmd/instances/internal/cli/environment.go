// Package cli is the command line of instances.
package cli

import (
	"fmt"
	"io"
	"path/filepath"
	"time"

	"instances/pkg/cmd/instances/internal/store"
)

// environment is what a command knows of the process that it works for. That
// may be another one than the process it runs in.
type environment struct {
	// args are the arguments of the program, as they were given.
	args []string
	// dir is the folder that relative paths refer to; it is absolute.
	dir    string
	getenv func(string) string
	now    func() time.Time
	// after is [time.After], or what a test has in its place.
	after          func(time.Duration) <-chan time.Time
	stdin          io.Reader
	stdout, stderr io.Writer
	// terminal says that a person watches stderr on a terminal.
	terminal bool
	// serving is the open registry where a command of another process
	// runs in this one; else nil.
	serving *store.Registry
}

// path returns the absolute form of a path that was given.
func (e *environment) path(p string) string {
	if filepath.IsAbs(p) {
		return filepath.Clean(p)
	}
	return filepath.Join(e.dir, p)
}

// usageError says that the command line is wrong.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

// misused returns a [usageError].
func misused(format string, values ...any) error {
	return &usageError{fmt.Sprintf(format, values...)}
}

// exitError is the exit code of a command that has said itself what was wrong.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// say writes a message. If that fails, there is nobody to tell.
func say(w io.Writer, format string, values ...any) {
	_, _ = fmt.Fprintf(w, format, values...)
}
