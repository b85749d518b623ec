package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// The exit codes of the program.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// environment is what a command knows of the process that it works for. That
// may be another one than the process it runs in.
type environment struct {
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
	serving *registry
}

// call is one use of a command.
type call struct {
	environment
	// line are the arguments of the program, as they were given.
	line []string
	// command is the name of the command.
	command string
	flags   *flag.FlagSet
	// args are the arguments that are no flags. They are known when the
	// command runs.
	args []string
}

// path returns the absolute form of a path that was given.
func (c *call) path(p string) string {
	if filepath.IsAbs(p) {
		return filepath.Clean(p)
	}
	return filepath.Join(c.dir, p)
}

// given reports whether the flag is on the command line.
func (c *call) given(name string) bool {
	found := false
	c.flags.Visit(func(f *flag.Flag) { found = found || f.Name == name })
	return found
}

// usageError says that the command line is wrong.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

// misused returns a [usageError].
func misused(format string, values ...any) error {
	return &usageError{fmt.Sprintf(format, values...)}
}

// exitError is the end of a command that has said itself what was wrong.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// execute runs the command line args, without the name of the program, and
// returns the exit code.
func execute(ctx context.Context, args []string, e environment) int {
	c, found, rest := find(args)
	if !found {
		return overview(args, e)
	}
	err := c.execute(ctx, args, rest, e)
	var usage *usageError
	var exit exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &exit):
		return int(exit)
	case errors.As(err, &usage):
		say(e.stderr, "instances %s: %s\nSee: instances %s --help\n", c.name, usage.text, c.name)
		return exitUsage
	case errors.Is(err, syscall.EPIPE):
		// Whoever read the output has enough of it.
		return exitFailed
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		say(e.stderr, "instances %s: interrupted\n", c.name)
		return exitFailed
	}
	say(e.stderr, "instances %s: %s\n", c.name, err)
	return exitFailed
}

// execute runs one command.
func (c command) execute(ctx context.Context, line, args []string, e environment) error {
	u := &call{environment: e, line: line, command: c.name, flags: flag.NewFlagSet(c.name, flag.ContinueOnError)}
	u.flags.SetOutput(io.Discard)
	u.flags.Usage = func() {}
	run := c.prepare(u)
	switch err := u.parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return c.help(e.stdout, u.flags)
	case err != nil:
		return err
	case len(u.args) > len(c.arguments):
		return misused("unexpected argument %q", u.args[len(c.arguments)])
	}
	return run(ctx)
}

// parse reads flags and other arguments in any order. After "--" there are no
// flags.
func (c *call) parse(args []string) error {
	for {
		if err := c.flags.Parse(args); errors.Is(err, flag.ErrHelp) {
			return err
		} else if err != nil {
			// The flag package names flags with one hyphen.
			return &usageError{strings.Replace(err.Error(), " -", " --", 1)}
		}
		rest := c.flags.Args()
		if len(rest) == 0 {
			return nil
		}
		if n := len(args) - len(rest); n > 0 && args[n-1] == "--" {
			c.args = append(c.args, rest...)
			return nil
		}
		c.args = append(c.args, rest[0])
		args = rest[1:]
	}
}

// find returns the command that args start with, and the arguments after its
// name.
func find(args []string) (c command, found bool, rest []string) {
	for _, c := range commands() {
		words := strings.Fields(c.name)
		if len(args) >= len(words) && slices.Equal(args[:len(words)], words) {
			return c, true, args[len(words):]
		}
	}
	return command{}, false, nil
}

// say writes a message. Where that fails, there is nobody to tell.
func say(w io.Writer, format string, values ...any) {
	_, _ = fmt.Fprintf(w, format, values...)
}
