package main

import (
	"context"
	"errors"
	"fmt"

	"instances/pkg/auth"
)

func keysRevokeCommand() command {
	return command{
		name:      "keys revoke",
		arguments: []string{"NAME"},
		summary:   "revoke a key",
		details: `Revokes a key. A process that serves the data folder refuses it at once;
deployed functions do so within a minute. Revoking again changes nothing.`,
		examples: []string{
			"instances keys revoke ci",
			"instances keys revoke ci --table instances-prod --region eu-west-1",
		},
		prepare: keysRevoke,
	}
}

func keysRevoke(c *call) func(context.Context) error {
	var where place
	name := c.flags.String("name", "", "`NAME` of the key, in place of the argument")
	where.flags(c)
	return func(ctx context.Context) error {
		if err := where.check(c); err != nil {
			return err
		}
		what := "--name"
		if len(c.args) == 1 {
			if c.given("name") {
				return misused("the name is given twice: as an argument and as --name")
			}
			what, *name = "the name", c.args[0]
		}
		if len(c.args) == 0 && !c.given("name") {
			return misused("NAME is missing: instances keys list shows all")
		}
		if err := checkName(what, *name); err != nil {
			return err
		}
		return where.with(ctx, c, func(ctx context.Context, r *registry) error {
			k, err := r.RevokeCredential(ctx, *name, c.now())
			if errors.Is(err, auth.ErrNoCredential) {
				return fmt.Errorf("there is no key named %s: instances keys list shows all", *name)
			}
			if err != nil {
				return err
			}
			r.keys.Forget()
			say(c.stderr, "The key %s is revoked since %s.\n", k.Name, orDash(k.RevokedAt))
			return nil
		})
	}
}
