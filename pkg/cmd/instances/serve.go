package main

import (
	"context"
	"net"
	"strconv"
	"time"
)

const (
	defaultHost = "127.0.0.1"
	defaultPort = "3000"
	// drainTimeout is how long running requests and commands may take to
	// finish when the server is told to stop: a function has 29 s.
	drainTimeout = 30 * time.Second
)

func serveCommand() command {
	return command{
		name:    "serve",
		summary: "serve the API on this machine",
		details: `Serves the API that the template declares, as API Gateway and Lambda would, on an
embedded database in a data folder. On first start it mints the key local, which
may do everything, and keeps its secret in the file local.key of the folder.

The functions that the template has on a schedule, such as cleanup, run in the
background: shortly after the start, and then once a day.

Ctrl-C finishes the running requests and ends; a second Ctrl-C ends at once. One
process can serve a data folder at a time; the other commands work meanwhile.

With --rehearse it serves the very binaries that get deployed, built for this
machine, as processes over the Lambda Runtime API, on a DynamoDB Local that it
starts and that forgets everything; this needs Java 17 and Maven. The data
folder keeps only the secret of the key local then. How long the start of each
process took is printed.

The environment variable PORT chooses the port where --addr does not.`,
		examples: []string{
			"instances serve",
			"instances serve --addr 127.0.0.1:8080 --data /tmp/registry",
			"instances serve --rehearse",
		},
		prepare: serve,
	}
}

func serve(c *call) func(context.Context) error {
	var s server
	addr := c.flags.String("addr", "", "`HOST:PORT` to listen on (default "+defaultHost+":"+defaultPort+")")
	c.flags.StringVar(&s.shown, "data", ".data", "`DIR` of the embedded database; it is made where it does not exist")
	templatePath := c.flags.String("template", "template.yaml", "`FILE` that declares the functions and routes")
	quiet := c.flags.Bool("quiet", false, "log no requests, only what goes wrong")
	rehearse := c.flags.Bool("rehearse", false, "serve the binaries that get deployed, on DynamoDB Local")
	return func(ctx context.Context) error {
		if c.serving != nil {
			return misused("serve does not run within another process")
		}
		var err error
		if s.addr, err = address(*addr, c.getenv("PORT")); err != nil {
			return err
		}
		if s.shown == "" {
			return misused("--data is empty: give a folder")
		}
		if s.template, err = loadTemplate(c.path(*templatePath), *templatePath); err != nil {
			return err
		}
		s.environment, s.dir = c.environment, c.path(s.shown)
		s.logger, s.version = newLogger(c.stderr, *quiet), version()
		if *rehearse {
			return s.rehearse(ctx, c.path(*templatePath))
		}
		return s.run(ctx)
	}
}

// address returns what to listen on, from the flag and the variable PORT.
func address(flag, port string) (string, error) {
	if flag != "" {
		if _, _, err := net.SplitHostPort(flag); err != nil {
			return "", misused("--addr %q is not HOST:PORT, such as %s:%s", flag, defaultHost, defaultPort)
		}
		return flag, nil
	}
	if port == "" {
		port = defaultPort
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", misused("PORT is %q, no port between 0 and 65535: set another, or use --addr", port)
	} else {
		return net.JoinHostPort(defaultHost, strconv.FormatUint(n, 10)), nil
	}
}
