// Package local runs the functions of a template in this process, for the
// local gateway, for the command and for tests.
package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"instances/pkg/app"
	"instances/pkg/auth"
	"instances/pkg/template"
)

// Functions are the functions of a template. They implement the Invoker of
// the gateway, and are safe for concurrent use.
type Functions struct {
	template *template.Template
	handlers map[string]lambda.Handler // by name
}

// Options is what the functions are made of. All fields are required.
type Options struct {
	Repository app.Repository
	Keys       *auth.Authenticator
	// Now is the clock.
	Now func() time.Time
	// Logger gets the lines of all functions, with their names.
	Logger *slog.Logger
}

// New makes the functions of t, with the environment that it gives them. The
// template and this program must have the same functions.
func New(t *template.Template, o Options) (*Functions, error) {
	fs := &Functions{template: t, handlers: map[string]lambda.Handler{}}
	code := app.Functions()
	var errs []error
	for _, f := range t.Functions {
		makeHandler, ok := code[f.Name]
		if !ok {
			errs = append(errs, fmt.Errorf("this program has no code for the function %s (%s)", f.LogicalID, f.Name))
			continue
		}
		delete(code, f.Name)
		fs.handlers[f.Name] = app.Handler(makeHandler, app.Dependencies{
			Repository: o.Repository, Keys: o.Keys, Now: o.Now,
			Logger:      o.Logger.With("function_name", f.Name),
			AllowOrigin: f.Environment["CORS_ALLOW_ORIGIN"],
		})
	}
	for _, name := range slices.Sorted(maps.Keys(code)) {
		errs = append(errs, fmt.Errorf("the template has no function %s, which this program has code for", name))
	}
	return fs, errors.Join(errs...)
}

// Invoke runs a function, by its name or its logical id, with an event, and
// returns its answer. It has the time that the template gives it.
func (fs *Functions) Invoke(ctx context.Context, function string, event []byte) ([]byte, error) {
	f, ok := fs.template.Function(function)
	if !ok {
		return nil, fmt.Errorf("there is no function %q", function)
	}
	ctx, cancel := context.WithTimeout(ctx, f.Timeout)
	defer cancel()
	return fs.handlers[f.Name].Invoke(ctx, event)
}
