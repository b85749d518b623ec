package runtimeapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
)

// Process says how to run a function.
type Process struct {
	// Function is a name that the server knows.
	Function string
	// Binary is the path of the executable.
	Binary string
	// Address is HOST:PORT where the server listens.
	Address string
	// Environment is what the process gets beside the variables that Lambda
	// sets for the runtime. It inherits nothing.
	Environment map[string]string
	// Output gets what the process logs; nil discards it.
	Output io.Writer
}

// Run runs a process of a function until it ends, which fails the function,
// or until the context does. It returns nil in the latter case only.
func (s *Server) Run(ctx context.Context, p Process) error {
	cmd := exec.CommandContext(ctx, p.Binary)
	cmd.Stdout, cmd.Stderr = p.Output, p.Output
	cmd.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + p.Address + "/" + p.Function,
		"AWS_LAMBDA_FUNCTION_NAME=" + p.Function,
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"_HANDLER=bootstrap",
	}
	for name, value := range p.Environment {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	err := cmd.Run()
	if ctx.Err() != nil {
		s.Fail(p.Function, ctx.Err())
		return nil
	}
	if err == nil {
		err = errors.New("it ended by itself")
	}
	err = fmt.Errorf("process of %s: %w", p.Function, err)
	s.Fail(p.Function, err)
	return err
}
