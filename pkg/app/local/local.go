// Package local runs the functions of a template in this process, for the
// local gateway, for the command and for tests.
package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"instances/pkg/app"
	"instances/pkg/app/function"
	"instances/pkg/auth"
	"instances/pkg/lambdahttp"
	"instances/pkg/reference"
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

// functions returns all functions by name: those that need a repository, and the
// reference, which [app.Functions] lacks because Lambda starts it without one.
func functions() map[string]app.Function {
	all := app.Functions()
	all["reference"] = func(d app.Dependencies) lambda.Handler { return app.Serve(d, reference.Handler()) }
	return all
}

// Check returns an error that names each function that t has and this program
// has no code for, and the reverse.
func Check(t *template.Template) error {
	code := functions()
	var errs []error
	for _, f := range t.Functions {
		if _, ok := code[f.Name]; !ok {
			errs = append(errs, fmt.Errorf("this program has no code for the function %s (%s)", f.LogicalID, f.Name))
		}
		delete(code, f.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(code)) {
		errs = append(errs, fmt.Errorf("there is no function %s, which this program has code for", name))
	}
	return errors.Join(errs...)
}

// New makes the functions of t, with the environment that it gives them. Its
// error is that of [Check], or says what is wrong in the environment.
func New(t *template.Template, o Options) (*Functions, error) {
	if err := Check(t); err != nil {
		return nil, err
	}
	fs := &Functions{template: t, handlers: map[string]lambda.Handler{}}
	code := functions()
	for _, f := range t.Functions {
		silentAfter, err := app.ParseSilentAfter(f.Environment[app.SilentAfterVariable])
		if err != nil {
			return nil, fmt.Errorf("environment of %s: %w", f.LogicalID, err)
		}
		cleanup, err := app.ParseCleanupSettings(func(name string) string { return f.Environment[name] })
		if err != nil {
			return nil, fmt.Errorf("environment of %s: %w", f.LogicalID, err)
		}
		fs.handlers[f.Name] = code[f.Name](app.Dependencies{
			Repository: o.Repository, Keys: o.Keys, Now: o.Now,
			Logger:      o.Logger.With("function_name", f.Name),
			AllowOrigin: f.Environment[function.AllowOriginVariable],
			SilentAfter: silentAfter,
			Cleanup:     cleanup,
		})
	}
	return fs, nil
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

// Stream is like Invoke, for functions that stream their answers. The function has
// the time that the template gives it, until the answer is closed.
func (fs *Functions) Stream(ctx context.Context, function string, event []byte) (io.ReadCloser, error) {
	f, ok := fs.template.Function(function)
	if !ok {
		return nil, fmt.Errorf("there is no function %q", function)
	}
	handler, ok := fs.handlers[f.Name].(lambdahttp.Streamer)
	if !ok {
		return nil, fmt.Errorf("the function %s does not stream", f.Name)
	}
	ctx, cancel := context.WithTimeout(ctx, f.Timeout)
	out, err := handler.Stream(ctx, event)
	if err != nil {
		cancel()
		return nil, err
	}
	return &answer{out, cancel}, nil
}

// answer is a streamed answer.
type answer struct {
	io.ReadCloser
	cancel context.CancelFunc
}

// Close ends the invocation.
func (a *answer) Close() error {
	defer a.cancel()
	return a.ReadCloser.Close()
}
