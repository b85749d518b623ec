// Command withdynamodb runs a command with DynamoDB Local at its side:
//
//	go run ./pkg/internal/dev/withdynamodb -- go test ./...
//
// It starts the engine in memory on a free port, tells the command its
// address in INSTANCES_TEST_DYNAMODB, stops the engine when the command ends,
// and exits with the command's code. Where the variable is set already, that
// engine is used. Where the engine cannot be installed, it runs the command
// without, and says so first and last; where CI is true it fails. The flag
// -without adds to what it says.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"instances/pkg/internal/dev"
	"instances/pkg/repository/dynamo/dynamolocal"
)

// Package dynamotest reads this variable. Instead of an address it may have
// noEngine: the tests then need not look for one.
const (
	endpointVariable = "INSTANCES_TEST_DYNAMODB"
	noEngine         = "none"
)

const (
	exitFailure = 1
	exitUsage   = 2
	// exitSignal and the number of a signal make the code of what it ended.
	exitSignal = 128
)

func main() {
	os.Exit(run(os.Args[1:], os.Getenv, os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}

// run does what the command does, and returns its exit code.
func run(args []string, getenv func(string) string, environ []string, stdin io.Reader, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("withdynamodb", flag.ContinueOnError)
	flags.SetOutput(stderr)
	without := flags.String("without", "", "`WHAT` else the tests have to do without")
	flags.Usage = func() {
		_, _ = fmt.Fprintln(stderr, "usage: withdynamodb [-without WHAT] -- COMMAND [ARGUMENT...]")
	}
	if err := flags.Parse(args); err != nil {
		return exitUsage
	}
	if args = flags.Args(); len(args) == 0 {
		flags.Usage()
		return exitUsage
	}
	// Signals are for the command; the engine is stopped after it.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(signals)

	if getenv(endpointVariable) == "" {
		server, err := start()
		switch {
		case errors.Is(err, dynamolocal.ErrMissing):
			ci, _ := strconv.ParseBool(getenv("CI"))
			if ci {
				_, _ = fmt.Fprintf(stderr, "withdynamodb: %v\n", err)
				return exitFailure
			}
			why, details, _ := strings.Cut(err.Error(), "\n")
			_, _ = io.WriteString(stderr, details)
			*without = strings.TrimPrefix(*without+", DynamoDB Local ("+why+")", ", ")
			environ = append(environ, endpointVariable+"="+noEngine)
		case err != nil:
			_, _ = fmt.Fprintf(stderr, "withdynamodb: %v\n", err)
			return exitFailure
		default:
			defer server.Stop()
			environ = append(environ, endpointVariable+"="+server.Endpoint)
		}
	}

	if *without != "" {
		notice := func() { _, _ = fmt.Fprintf(stderr, "*** NOT TESTED with %s ***\n", *without) }
		notice()
		defer notice()
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr, cmd.Env = stdin, stdout, stderr, environ
	if err := cmd.Start(); err != nil {
		_, _ = fmt.Fprintf(stderr, "withdynamodb: %v\n", err)
		return exitFailure
	}
	return wait(cmd, signals)
}

// start starts the engine for the repository around the working folder.
func start() (*dynamolocal.Server, error) {
	root, err := dev.Root()
	if err != nil {
		return nil, err
	}
	return dynamolocal.Start(context.Background(), root)
}

// wait returns the code of the command when it ends. An interrupt comes from
// the terminal, which sends it to the command as well; other signals are
// passed on.
func wait(cmd *exec.Cmd, signals <-chan os.Signal) int {
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			if s != os.Interrupt {
				// The only failure is that it has just ended.
				_ = cmd.Process.Signal(s)
			}
		case err := <-done:
			return code(err)
		}
	}
}

// code returns the exit code of a command that ended with err.
func code(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case !errors.As(err, &exit):
		return exitFailure
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return exitSignal + int(status.Signal())
	}
	return exit.ExitCode()
}
