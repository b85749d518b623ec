package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"instances/pkg/cmd/instances/internal/store"
)

// listing completes a command that lists something: show writes the list, as
// JSON or as text, as the flag of the command says.
func (e *environment) listing(c *cobra.Command, show func(ctx context.Context, r *store.Registry, asJSON bool) error) *cobra.Command {
	var where location
	var form string
	formFlag(c, &form)
	where.flags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		return where.with(c.Context(), e, func(ctx context.Context, r *store.Registry) error {
			return show(ctx, r, form == formJSON)
		})
	}
	return c
}

// writeJSON writes v with an indentation and a line end.
func writeJSON(w io.Writer, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(b, '\n'))
	return err
}

// reworded is an error in other words.
type reworded struct {
	text string
	err  error
}

func reword(err error, format string, values ...any) error {
	return &reworded{fmt.Sprintf(format, values...), err}
}

func (r *reworded) Error() string { return r.text }
func (r *reworded) Unwrap() error { return r.err }
