package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"time"

	"instances/pkg/app"
	"instances/pkg/app/local"
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
	if err := local.Check(t); err != nil {
		return nil, fmt.Errorf("%s: %w", shown, err)
	}
	return t, nil
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
	var longest time.Duration
	for _, f := range t.Functions {
		text, ok := f.Environment[app.HistoryRetentionVariable]
		if !ok {
			continue
		}
		retention, err := app.ParseHistoryRetention(text)
		if err != nil {
			return 0, fmt.Errorf("function %s: %w", f.Name, err)
		}
		longest = max(longest, retention)
	}
	return longest, nil
}

// newFunctions makes the functions of t, which [loadTemplate] has checked.
func newFunctions(t *template.Template, r *registry, now func() time.Time, logger *slog.Logger) (*local.Functions, error) {
	return local.New(t, local.Options{Repository: r.repository, Keys: r.keys, Now: now, Logger: logger})
}
