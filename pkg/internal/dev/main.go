// Package dev holds the programs that developers of this project run, and what
// their mains share.
package dev

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

// ErrUsage reports that a program was used wrongly. Whoever returns it has
// said how.
var ErrUsage = errors.New("wrong usage")

// Main runs a program for the repository that the working folder is in, and
// exits: with 0 after success or -help, 2 after [ErrUsage], 1 after any other
// error, which it prints. An interrupt cancels the context.
func Main(name string, run func(ctx context.Context, root string, args []string, stdout, stderr io.Writer) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	root, err := Root()
	if err == nil {
		err = run(ctx, root, os.Args[1:], os.Stdout, os.Stderr)
	}
	stop()
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
	case errors.Is(err, ErrUsage):
		os.Exit(2)
	default:
		_, _ = fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}

// Parse reads the flags and the given number of arguments, which usage shows.
// On stderr it says what is wrong, and returns [ErrUsage] or [flag.ErrHelp].
func Parse(flags *flag.FlagSet, args []string, arguments int, usage string, stderr io.Writer) error {
	flags.SetOutput(stderr)
	flags.Usage = func() {
		_, _ = fmt.Fprintln(stderr, "usage:", usage)
		flags.PrintDefaults()
	}
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return err
	case err != nil:
		return ErrUsage
	}
	if flags.NArg() != arguments {
		flags.Usage()
		return ErrUsage
	}
	return nil
}
