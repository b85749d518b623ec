package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/term"
)

// Run runs the command line of this process, and returns the exit code.
func Run() int {
	// A closed pipe is an error of the write, so that a key is not minted
	// without its secret reaching anybody, and a server outlives its reader.
	signal.Ignore(syscall.SIGPIPE)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		// The next one ends the process at once.
		signal.Stop(signals)
		cancel()
	}()
	dir, err := os.Getwd()
	if err != nil {
		fmt.Fprintln(os.Stderr, "instances:", err)
		return exitFailed
	}
	return execute(ctx, os.Args[1:], environment{
		dir: dir, getenv: os.Getenv, now: time.Now, after: time.After,
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		terminal: term.IsTerminal(int(os.Stderr.Fd())),
	})
}
