package main

import (
	"context"
	"encoding/json"
	"io"
)

// formFlag adds the flag for the form of the output, and returns what reads
// it.
func formFlag(c *call) func() (asJSON bool, err error) {
	form := c.flags.String("output", "text", "`FORM` of the output: text or json")
	return func() (bool, error) {
		if *form != "text" && *form != "json" {
			return false, misused("--output: there is no form %q, but text and json", *form)
		}
		return *form == "json", nil
	}
}

// listing returns the work of a command that lists something: show writes the
// list, as JSON or as text, as the flag of the command says.
func listing(c *call, show func(ctx context.Context, r *registry, asJSON bool) error) func(context.Context) error {
	var where place
	form := formFlag(c)
	where.flags(c)
	return func(ctx context.Context) error {
		if err := where.check(c); err != nil {
			return err
		}
		asJSON, err := form()
		if err != nil {
			return err
		}
		return where.with(ctx, c, func(ctx context.Context, r *registry) error {
			return show(ctx, r, asJSON)
		})
	}
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
