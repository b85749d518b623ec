package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// The exit codes of the program.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// execute runs the command line args, without the name of the program, and
// returns the exit code.
func execute(ctx context.Context, args []string, e environment) int {
	e.args = args
	out := &checkedWriter{w: e.stdout}
	root := e.root()
	root.SetIn(e.stdin)
	root.SetOut(out)
	root.SetErr(e.stderr)
	// For nil, cobra would take the arguments of this process.
	root.SetArgs(append([]string{}, args...))
	// Whatever is wrong before a command runs is the command line.
	runs := false
	root.PersistentPreRun = func(*cobra.Command, []string) { runs = true }
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		err = out.err
	}
	name := command.CommandPath()
	var usage *usageError
	var exit exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &exit):
		return int(exit)
	case !runs, errors.As(err, &usage):
		say(e.stderr, "%s: %s\nSee: %s --help\n", name, err, name)
		return exitUsage
	case errors.Is(err, syscall.EPIPE):
		// The reader of the output has enough.
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		say(e.stderr, "%s: interrupted\n", name)
	default:
		say(e.stderr, "%s: %s\n", name, err)
	}
	return exitFailed
}

// checkedWriter keeps the first error, which cobra does not report for its help.
type checkedWriter struct {
	w   io.Writer
	err error
}

func (o *checkedWriter) Write(b []byte) (int, error) {
	n, err := o.w.Write(b)
	if o.err == nil {
		o.err = err
	}
	return n, err
}

// The groups of commands in the help.
const (
	groupServing = "serving"
	groupKeys    = "keys"
	groupData    = "data"
	groupMoving  = "moving"
)

// root returns the command line.
func (e *environment) root() *cobra.Command {
	root := e.group("instances", "", "Serve and manage a registry of instances",
		e.serve(), e.invoke(), e.events(), e.version(),
		e.group("keys", groupKeys, "Create, list and revoke keys", e.keysCreate(), e.keysList(), e.keysRevoke()),
		e.group("gpus", groupKeys, "List and replace the catalogue of GPUs", e.gpusImport(), e.gpusList()),
		e.deleted(), e.restore(), e.history(), e.cleanup(),
		e.check(), e.upgrade(),
		e.export(), e.importInstances(), e.backup(),
	)
	root.Long = "instances serves a registry of instances through three APIs, and manages it."
	root.Example = examples(
		"instances serve",
		"instances invoke topology-get",
		"instances keys create --name ci --allow topology:read,topology:write",
	)
	root.Version = describeVersion()
	root.SetVersionTemplate("{{.Version}}\n")
	root.SilenceErrors, root.SilenceUsage = true, true
	root.AddGroup(
		&cobra.Group{ID: groupServing, Title: "Serve and try out:"},
		&cobra.Group{ID: groupKeys, Title: "Set up:"},
		&cobra.Group{ID: groupData, Title: "Maintain:"},
		&cobra.Group{ID: groupMoving, Title: "Move data:"},
	)
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(helpCommand())
	return root
}

// group returns a command that only has other commands.
func (e *environment) group(name, id, short string, commands ...*cobra.Command) *cobra.Command {
	group := &cobra.Command{Use: name, GroupID: id, Short: short, DisableFlagsInUseLine: true}
	group.AddCommand(commands...)
	var first []string
	for _, c := range commands {
		line, _, _ := strings.Cut(strings.TrimSpace(c.Example), "\n")
		first = append(first, line)
	}
	group.Example = examples(first...)
	group.Args = func(c *cobra.Command, args []string) error {
		if len(args) == 0 || args[0] == "help" {
			return nil
		}
		text := fmt.Sprintf("unknown command %q", args[0])
		c.SuggestionsMinimumDistance = 2
		if near := c.SuggestionsFor(args[0]); len(near) > 0 {
			text += ": did you mean " + strings.Join(near, " or ") + "?"
		}
		return errors.New(text)
	}
	group.RunE = func(c *cobra.Command, args []string) error {
		if len(args) > 0 || !c.HasParent() {
			return c.Help()
		}
		var names []string
		for _, sub := range c.Commands() {
			names = append(names, sub.Name())
		}
		return misused("a command is missing: %s", strings.Join(names, ", "))
	}
	return group
}

// helpCommand is cobra's, except that a command that does not exist is an error.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Show the help of a command",
		RunE: func(c *cobra.Command, args []string) error {
			about, rest, err := c.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return misused("unknown command %q", strings.Join(args, " "))
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		},
	}
}

// arguments checks that there are at most as many arguments as names.
func arguments(names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) > len(names) {
			return fmt.Errorf("unexpected argument %q", args[len(names)])
		}
		return nil
	}
}

// examples returns lines for the help.
func examples(lines ...string) string { return "  " + strings.Join(lines, "\n  ") }
