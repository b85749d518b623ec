package serving

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"instances/pkg/app"
	"instances/pkg/app/local"
	"instances/pkg/cmd/instances/internal/store"
	"instances/pkg/template"
)

// LoadTemplate reads the template at path, which was given as shown, and
// checks that it and the code have the same functions.
func LoadTemplate(path, shown string) (*template.Template, error) {
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

// FunctionNames returns the names of the functions of t.
func FunctionNames(t *template.Template) []string {
	names := make([]string, 0, len(t.Functions))
	for _, f := range t.Functions {
		names = append(names, f.Name)
	}
	return names
}

// HistoryRetention is how long t has history kept: the longest time that a
// function sets, or 0 for no limit.
func HistoryRetention(t *template.Template) (time.Duration, error) {
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

// NewFunctions makes the functions of t, which [LoadTemplate] has checked.
func NewFunctions(t *template.Template, r *store.Registry, now func() time.Time, logger *slog.Logger) (*local.Functions, error) {
	return local.New(t, local.Options{Repository: r.OperatorRepository, Keys: r.Keys, Now: now, Logger: logger})
}
