package cli

import (
	"context"
	"io"
	"net"
	"strconv"

	"github.com/spf13/cobra"

	"instances/pkg/cmd/instances/internal/relay"
	"instances/pkg/cmd/instances/internal/serving"
	"instances/pkg/cmd/instances/internal/store"
)

const defaultPort = "3000"

func (e *environment) serve() *cobra.Command {
	s := serving.Server{Now: e.now, After: e.after, Stdout: e.stdout, Stderr: e.stderr, Version: serving.Version(), CommandLine: e.relayed}
	var addr, templatePath string
	var quiet, rehearse bool
	c := &cobra.Command{
		Use:     "serve",
		GroupID: groupServing,
		Short:   "Serve the API on this machine",
		Long: `Serves the API that the template declares, as API Gateway and Lambda would, on an
embedded database in a data folder. The first start creates the key local, which
may do everything, and keeps its secret in the file local.key in that folder.

Functions that the template schedules, such as cleanup, run in the background:
shortly after the start, and then once a day.

Ctrl-C finishes the running requests and exits; a second Ctrl-C exits at once. One
process can serve a data folder at a time; the other commands still work.

With --rehearse it serves the very binaries that get deployed, built for this
machine, as processes over the Lambda Runtime API, on a DynamoDB Local that
it starts and that keeps nothing; this needs Java 17 and Maven. The data folder
then holds only the secret of the key local. It prints how long each process
took to start.

The environment variable PORT chooses the port unless --addr does.`,
		Example: examples(
			"instances serve",
			"instances serve --addr 127.0.0.1:8080 --data /tmp/registry",
			"instances serve --rehearse",
		),
		Args: arguments(),
	}
	flags := c.Flags()
	flags.StringVar(&addr, "addr", "", "`HOST:PORT` to listen on (default "+serving.DefaultHost+":"+defaultPort+")")
	flags.StringVar(&s.Shown, "data", ".data", "keep the embedded database in `DIR`, which is created if missing")
	flags.StringVar(&templatePath, "template", "template.yaml", "`FILE` that declares the functions and routes")
	flags.BoolVar(&quiet, "quiet", false, "log no requests, only what goes wrong")
	flags.BoolVar(&rehearse, "rehearse", false, "serve the binaries that get deployed, on DynamoDB Local")
	_ = c.MarkFlagDirname("data")
	c.RunE = func(c *cobra.Command, _ []string) (err error) {
		if e.serving != nil {
			return misused("serve does not run within another process")
		}
		if s.Addr, err = address(addr, e.getenv("PORT")); err != nil {
			return err
		}
		if s.Shown == "" {
			return misused("--data is empty: give a folder")
		}
		s.Dir, s.TemplatePath = e.path(s.Shown), e.path(templatePath)
		if s.Template, err = serving.LoadTemplate(s.TemplatePath, templatePath); err != nil {
			return err
		}
		s.Logger = newLogger(e.stderr, quiet)
		if rehearse {
			return s.Rehearse(c.Context())
		}
		return s.Run(c.Context())
	}
	return c
}

// relayed runs the command line of another process on the registry that this
// one serves.
func (e *environment) relayed(ctx context.Context, r *store.Registry, request relay.Request, stdin io.Reader, stdout, stderr io.Writer) int {
	code := execute(ctx, request.Args, environment{
		dir: request.Dir, getenv: func(string) string { return "" }, now: e.now, after: e.after,
		stdin: stdin, stdout: stdout, stderr: stderr, terminal: request.Terminal, serving: r,
	})
	if code == exitUsage {
		// The command checked the same line before it came here.
		say(stderr, "The process that serves this data folder may be an older version of this command: restart that process.\n")
	}
	return code
}

// address returns what to listen on, from the flag and the variable PORT.
func address(flag, port string) (string, error) {
	if flag != "" {
		if _, _, err := net.SplitHostPort(flag); err != nil {
			return "", misused("--addr %q is not HOST:PORT, such as %s:%s", flag, serving.DefaultHost, defaultPort)
		}
		return flag, nil
	}
	if port == "" {
		port = defaultPort
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", misused("PORT is %q, which is not a port from 0 to 65535: set another, or use --addr", port)
	} else {
		return net.JoinHostPort(serving.DefaultHost, strconv.FormatUint(n, 10)), nil
	}
}
