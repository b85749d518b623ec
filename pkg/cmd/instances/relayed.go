package main

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"

	"instances/pkg/cmd/instances/internal/relay"
)

// relayed returns what runs the commands of other processes in this one.
func (s *server) relayed(r *registry) relay.Handler {
	return func(ctx context.Context, request relay.Request, stdin io.Reader, stdout, stderr io.Writer) (code int) {
		defer func() {
			if v := recover(); v != nil {
				s.logger.Error("command panicked", "error", fmt.Sprint(v), "stack_trace", string(debug.Stack()))
				say(stderr, "instances: the command failed in the process that serves the data folder; its log says more\n")
				code = exitFailed
			}
		}()
		if s.version != "" && request.Version != "" && s.version != request.Version {
			say(stderr, "instances: the process that serves this data folder was built from %s, and this command from %s: restart that process\n",
				s.version, request.Version)
			return exitFailed
		}
		code = execute(ctx, request.Args, environment{
			dir: request.Dir, getenv: func(string) string { return "" }, now: s.now, after: s.after,
			stdin: stdin, stdout: stdout, stderr: stderr, terminal: request.Terminal, serving: r,
		})
		if code == exitUsage {
			// The command checked the same line before it came here.
			say(stderr, "The process that serves this data folder may be an older version of this command: restart that process.\n")
		}
		return code
	}
}
