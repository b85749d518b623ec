package serving

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"

	"instances/pkg/cmd/instances/internal/relay"
	"instances/pkg/cmd/instances/internal/store"
)

// CommandLine runs a command line of another process on the registry that is
// being served, and returns its exit code.
type CommandLine func(ctx context.Context, r *store.Registry, request relay.Request, stdin io.Reader, stdout, stderr io.Writer) (code int)

// relayed returns what runs the commands of other processes in this one.
func (s *Server) relayed(r *store.Registry) relay.Handler {
	return func(ctx context.Context, request relay.Request, stdin io.Reader, stdout, stderr io.Writer) (code int) {
		defer func() {
			if v := recover(); v != nil {
				s.Logger.Error("command panicked", "error", fmt.Sprint(v), "stack_trace", string(debug.Stack()))
				say(stderr, "instances: the command failed in the process that serves the data folder; its log says more\n")
				code = 1
			}
		}()
		if s.Version != "" && request.Version != "" && s.Version != request.Version {
			say(stderr, "instances: the process that serves this data folder was built from %s, and this command from %s: restart that process\n",
				s.Version, request.Version)
			return 1
		}
		return s.CommandLine(ctx, r, request, stdin, stdout, stderr)
	}
}
