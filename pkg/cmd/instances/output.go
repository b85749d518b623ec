package main

import "context"

// listing returns the work of a command that lists something: show writes the
// list, as JSON or as text, as the flag of the command says.
func listing(c *call, show func(ctx context.Context, r *registry, asJSON bool) error) func(context.Context) error {
	var where place
	form := c.flags.String("output", "text", "`FORM` of the list: text or json")
	where.flags(c)
	return func(ctx context.Context) error {
		if err := where.check(c); err != nil {
			return err
		}
		if *form != "text" && *form != "json" {
			return misused("--output: there is no form %q, but text and json", *form)
		}
		return where.with(ctx, c, func(ctx context.Context, r *registry) error {
			return show(ctx, r, *form == "json")
		})
	}
}
