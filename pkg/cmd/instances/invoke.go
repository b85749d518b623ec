package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"instances/pkg/gateway"
	"instances/pkg/template"
)

// maxEvent is the size of the largest event that Lambda takes, in bytes.
const maxEvent = 6 << 20

func invokeCommand() command {
	return command{
		name:      "invoke",
		arguments: []string{"FUNCTION"},
		summary:   "run one function with an event and print its response",
		details: `Runs a function of the template in this process, as sam local invoke does in a
container, and prints its response as one line of JSON. Its log goes to standard
error. The exit code is 0 when the function returned, whatever the status of its
response. FUNCTION is the name of its folder or its logical id.

With --rehearse it runs the very binary that gets deployed, built for this
machine, over the Lambda Runtime API, with the environment and the timeout of
the template: on the table of --table, or else on an empty one of a DynamoDB
Local that it starts, which needs Java 17 and Maven.`,
		examples: []string{
			"instances invoke topology-get --event events/topology-get.json",
			"instances invoke TopologyGet --event - <events/topology-get.json",
			"instances invoke cleanup --event events/cleanup.json",
			"instances invoke topology-get --event events/topology-get.json --rehearse",
		},
		prepare: invoke,
	}
}

func invoke(c *call) func(context.Context) error {
	var where place
	eventPath := c.flags.String("event", "", "`FILE` with the event, or - for standard input")
	templatePath := c.flags.String("template", "template.yaml", "`FILE` that declares the functions")
	rehearse := c.flags.Bool("rehearse", false, "run the binary that gets deployed, on DynamoDB")
	where.flags(c)
	return func(ctx context.Context) error {
		if err := where.check(c); err != nil {
			return err
		}
		if len(c.args) == 0 {
			return misused("FUNCTION is missing")
		}
		if *eventPath == "" {
			return misused("--event is missing: the name of a file, or - for standard input")
		}
		t, err := loadTemplate(c.path(*templatePath), *templatePath)
		if err != nil {
			return err
		}
		f, ok := t.Function(c.args[0])
		if !ok {
			return misused("there is no function %q in %s, but %s", c.args[0], *templatePath, functionNames(t))
		}
		if *rehearse {
			if c.given("data") {
				return misused("--data and --rehearse exclude each other: the rehearsal is on DynamoDB")
			}
			return invokeRehearsed(ctx, c, &where, t, c.path(*templatePath), f.Name, *eventPath)
		}
		if where.retention, err = historyRetention(t); err != nil {
			return err
		}
		where.timeout = max(tableTimeout, f.Timeout)
		return where.with(ctx, c, func(ctx context.Context, r *registry) error {
			event, err := readEvent(ctx, c, *eventPath)
			if err != nil {
				return err
			}
			fs, err := newFunctions(t, r, c.now, newLogger(c.stderr, false))
			if err != nil {
				return err
			}
			return invokeAndPrint(ctx, c, fs, f.Name, event)
		})
	}
}

// invokeRehearsed runs the binary of a function.
func invokeRehearsed(ctx context.Context, c *call, where *place, t *template.Template, path, function, eventPath string) error {
	event, err := readEvent(ctx, c, eventPath)
	if err != nil {
		return err
	}
	var s *stage
	if where.table != "" {
		s, err = where.remoteStage(ctx)
	} else {
		s, err = localStage(ctx, filepath.Dir(path), t)
	}
	if err != nil {
		return err
	}
	defer s.stop()
	fs, _, err := s.functions(ctx, path, "INFO", c.stderr)
	if err != nil {
		return err
	}
	defer fs.Close()
	return invokeAndPrint(ctx, c, fs, function, event)
}

// invokeAndPrint runs a function and prints its response.
func invokeAndPrint(ctx context.Context, c *call, fs gateway.Invoker, function string, event []byte) error {
	response, err := fs.Invoke(ctx, function, event)
	if err != nil {
		return fmt.Errorf("the function %s failed: %w", function, err)
	}
	return writeLine(c.stdout, response)
}

// readEvent reads the event at path, or from standard input.
func readEvent(ctx context.Context, c *call, path string) ([]byte, error) {
	event, err := readInput(ctx, c, path, maxEvent)
	switch {
	case errors.Is(err, errInputTooLarge):
		return nil, fmt.Errorf("the event is larger than %d bytes, which Lambda would not take", maxEvent)
	case err != nil:
		return nil, fmt.Errorf("read the event: %w", err)
	case !json.Valid(event):
		return nil, errors.New("the event is not JSON")
	}
	return event, nil
}

// writeLine writes a response as one line.
func writeLine(w io.Writer, response []byte) error {
	var line bytes.Buffer
	if err := json.Compact(&line, response); err != nil {
		return fmt.Errorf("the response is not JSON: %w", err)
	}
	line.WriteByte('\n')
	_, err := w.Write(line.Bytes())
	return err
}
