package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"instances/pkg/app"
	"instances/pkg/template"
)

// loadTemplate reads the template at path, which was given as shown, and
// checks that it and the code have the same functions.
func loadTemplate(path, shown string) (*template.Template, error) {
	t, err := template.Load(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no template %s: run this in the project's folder, or say where it is with --template", shown)
	}
	if err != nil {
		return nil, err
	}
	missing := app.Functions()
	var errs []error
	for _, f := range t.Functions {
		if _, ok := missing[f.Name]; !ok {
			errs = append(errs, fmt.Errorf("%s: this program has no code for the function %s (%s)", shown, f.LogicalID, f.Name))
		}
		delete(missing, f.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(missing)) {
		errs = append(errs, fmt.Errorf("%s: there is no function %s, which this program has code for", shown, name))
	}
	return t, errors.Join(errs...)
}

// functionNames lists the functions of t for a message.
func functionNames(t *template.Template) string {
	names := make([]string, 0, len(t.Functions))
	for _, f := range t.Functions {
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}

// historyRetention is how long t has history kept: the longest time that a
// function sets, or 0 for ever.
func historyRetention(t *template.Template) (time.Duration, error) {
	longest := 0
	for _, f := range t.Functions {
		text, ok := f.Environment["HISTORY_RETENTION_DAYS"]
		if !ok {
			continue
		}
		days, err := strconv.Atoi(text)
		if err != nil || days < 0 {
			return 0, fmt.Errorf("HISTORY_RETENTION_DAYS of the function %s is %q, no number of days", f.Name, text)
		}
		longest = max(longest, days)
	}
	return time.Duration(longest) * 24 * time.Hour, nil
}

// functions runs the functions of a template in this process. It is safe for
// concurrent use.
type functions struct {
	template *template.Template
	handlers map[string]lambda.Handler
}

// newFunctions makes the functions of t, which [loadTemplate] has checked.
func newFunctions(t *template.Template, r *registry, now func() time.Time, logger *slog.Logger) functions {
	fs := functions{t, map[string]lambda.Handler{}}
	code := app.Functions()
	for _, f := range t.Functions {
		fs.handlers[f.Name] = app.Handler(code[f.Name], app.Dependencies{
			Repository: r.repository, Keys: r.keys, Now: now,
			Logger:      logger.With("function_name", f.Name),
			AllowOrigin: f.Environment["CORS_ALLOW_ORIGIN"],
		})
	}
	return fs
}

// Invoke runs a function, by name or logical id, with an event, and returns
// what it answers. It has the time that the template gives it.
func (fs functions) Invoke(ctx context.Context, name string, event []byte) ([]byte, error) {
	f, ok := fs.template.Function(name)
	if !ok {
		return nil, fmt.Errorf("there is no function %q", name)
	}
	ctx, cancel := context.WithTimeout(ctx, f.Timeout)
	defer cancel()
	return fs.handlers[f.Name].Invoke(ctx, event)
}
