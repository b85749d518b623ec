package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"instances/pkg/auth"
	"instances/pkg/cmd/instances/internal/serving"
	"instances/pkg/cmd/instances/internal/store"
	"instances/pkg/gateway"
	"instances/pkg/template"
)

// maxEvent is the size of the largest event that Lambda takes, in bytes.
const maxEvent = 6 << 20

func (e *environment) invoke() *cobra.Command {
	var where location
	var eventPath, templatePath string
	var rehearse bool
	c := &cobra.Command{
		Use:     "invoke FUNCTION",
		GroupID: groupServing,
		Short:   "Run one function with an event and print its response",
		Long: `Runs a function of the template in this process, as sam local invoke does in a
container, and prints its response as one line of JSON. Its log goes to standard
error. The exit code is 0 when the function returned, whatever the status of its
response. FUNCTION is the name of its folder or its logical id.

Without --event it takes the function's sample event from the folder events next
to the template. If an event has the placeholder credentials of the samples,
the key local of the data folder, or of the empty table, stands in for them.

With --rehearse it runs the very binary that gets deployed, built for this
machine, over the Lambda Runtime API, with the environment and the timeout of
the template: on the table of --table, or else on an empty one of a DynamoDB
Local that it starts, which needs Java 17 and Maven.`,
		Example: examples(
			"instances invoke topology-get",
			"instances invoke TopologyGet --event - <events/topology-get.json",
			"instances invoke cleanup --event events/cleanup.json",
			"instances invoke topology-get --rehearse",
		),
		Args: arguments("FUNCTION"),
	}
	flags := c.Flags()
	flags.StringVar(&eventPath, "event", "", "`FILE` with the event, or - for standard input (default the function's sample event)")
	flags.StringVar(&templatePath, "template", "template.yaml", "`FILE` that declares the functions")
	flags.BoolVar(&rehearse, "rehearse", false, "run the binary that gets deployed, on DynamoDB")
	where.flags(c)
	c.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		t, err := template.Load(e.path(templatePath))
		if err != nil || len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return serving.FunctionNames(t), cobra.ShellCompDirectiveNoFileComp
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return misused("FUNCTION is missing")
		}
		if flags.Changed("event") && eventPath == "" {
			return misused("--event is empty: give the name of a file, or - for standard input")
		}
		t, err := serving.LoadTemplate(e.path(templatePath), templatePath)
		if err != nil {
			return err
		}
		f, ok := t.Function(args[0])
		if !ok {
			return misused("there is no function %q in %s: want %s", args[0], templatePath, strings.Join(serving.FunctionNames(t), ", "))
		}
		if eventPath == "" {
			eventPath = sampleEvent(templatePath, f.Name)
			where.create = true
		}
		if rehearse {
			if flags.Changed("data") {
				return misused("--data and --rehearse exclude each other: the rehearsal is on DynamoDB")
			}
			event, err := e.readEvent(c.Context(), eventPath)
			if err != nil {
				return err
			}
			return e.invokeRehearsed(c.Context(), where.table, t, e.path(templatePath), f.Name, event)
		}
		if where.retention, err = serving.HistoryRetention(t); err != nil {
			return err
		}
		where.timeout = max(tableTimeout, f.Timeout)
		_, err = os.Stat(filepath.Join(e.path(where.data), store.DatabaseName))
		fresh := errors.Is(err, fs.ErrNotExist)
		return where.with(c.Context(), e, func(ctx context.Context, r *store.Registry) error {
			event, err := e.readEvent(ctx, eventPath)
			if err != nil {
				return err
			}
			if where.table.Name == "" && (fresh || hasPlaceholder(event)) {
				secret, err := e.localSecret(ctx, r, &where, fresh)
				if err != nil {
					return err
				}
				event = []byte(withCredentials(string(event), serving.LocalKey, secret))
			}
			fs, err := serving.NewFunctions(t, r, e.now, newLogger(e.stderr, false))
			if err != nil {
				return err
			}
			return e.invokeAndPrint(ctx, fs, f.Name, event)
		})
	}
	return c
}

// localSecret returns the secret of the key local of the data folder. It makes
// the key if there is none, as the first start of serve does.
func (e *environment) localSecret(ctx context.Context, r *store.Registry, where *location, fresh bool) (string, error) {
	dir := e.path(where.data)
	secret, err := serving.LocalSecret(dir)
	if !fresh && !errors.Is(err, fs.ErrNotExist) {
		return secret, err
	}
	note, err := serving.EnsureLocalKey(ctx, r, dir, where.data, fresh, e.now())
	if err != nil {
		return "", err
	}
	if note != "" {
		say(e.stderr, "%s\n", note)
	}
	return serving.LocalSecret(dir)
}

// invokeRehearsed runs the binary of a function.
func (e *environment) invokeRehearsed(ctx context.Context, table store.Table, t *template.Template, path, function string, event []byte) (err error) {
	var s *serving.Stage
	if table.Name != "" {
		s, err = serving.RemoteStage(ctx, table)
	} else {
		s, err = serving.LocalStage(ctx, filepath.Dir(path), t)
	}
	if err != nil {
		return err
	}
	defer s.Stop()
	if table.Name == "" && hasPlaceholder(event) {
		secret, err := auth.Mint(ctx, s.Repository(e.now, 0),
			auth.NewKey{Name: serving.LocalKey, Allow: []string{auth.AllowAll}}, e.now())
		if err != nil {
			return err
		}
		event = []byte(withCredentials(string(event), serving.LocalKey, secret))
	}
	fs, _, err := s.Functions(ctx, path, "INFO", e.stderr)
	if err != nil {
		return err
	}
	defer fs.Close()
	return e.invokeAndPrint(ctx, fs, function, event)
}

// invokeAndPrint runs a function and prints its response.
func (e *environment) invokeAndPrint(ctx context.Context, fs gateway.Invoker, function string, event []byte) error {
	response, err := fs.Invoke(ctx, function, event)
	if err != nil {
		return fmt.Errorf("the function %s failed: %w", function, err)
	}
	return writeLine(e.stdout, response)
}

// readEvent reads the event at path, or from standard input.
func (e *environment) readEvent(ctx context.Context, path string) ([]byte, error) {
	event, err := e.readInput(ctx, path, maxEvent)
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
