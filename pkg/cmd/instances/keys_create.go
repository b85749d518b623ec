package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"instances/pkg/app"
	"instances/pkg/auth"
	"instances/pkg/compute"
)

func keysCreateCommand() command {
	return command{
		name:    "keys create",
		summary: "make a key and print its secret, once",
		details: `Makes a key and prints its secret on standard output, alone. The secret is not
stored and cannot be shown again.

A key belongs to an owner, to whom what it makes belongs too. A new key of the
same owner can replace it; its name is never given to another owner.

The compute API answers a key as its document says, or, with --compute-profile
client, as the vendor's client expects it.

Permissions: ` + strings.Join(app.Permissions(), ", ") + `, and * for everything.`,
		examples: []string{
			"instances keys create --name ci --allow topology:read,topology:write",
			"instances keys create --name ci-2 --owner ci --allow topology:read --expires 90d",
			"instances keys create --name agent --allow compute:read,compute:write --compute-profile client",
			"instances keys create --name engine --allow execution:read,execution:write",
			"instances keys create --name ops --allow '*' --table instances-prod --region eu-west-1",
		},
		prepare: keysCreate,
	}
}

func keysCreate(c *call) func(context.Context) error {
	where := place{create: true}
	var key auth.NewKey
	c.flags.StringVar(&key.Name, "name", "", "`NAME` of the key: 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-'")
	allow := c.flags.String("allow", "", "what the key may do: `PERMISSIONS` with commas between them")
	c.flags.StringVar(&key.Owner, "owner", "", "`OWNER` of the key (default its name)")
	profile := c.flags.String("compute-profile", compute.DocumentProfile,
		"`PROFILE` of the compute API that the key speaks: "+compute.DocumentProfile+" or "+compute.ClientProfile)
	expires := c.flags.String("expires", "", "`TIME` after which the key stops to work, such as 90d or 36h (default never)")
	where.flags(c)
	return func(ctx context.Context) error {
		if err := where.check(c); err != nil {
			return err
		}
		if err := checkName("--name", key.Name); err != nil {
			return err
		}
		if key.Owner == "" && !c.given("owner") {
			key.Owner = key.Name
		}
		if err := checkName("--owner", key.Owner); err != nil {
			return err
		}
		if *allow == "" {
			return misused("--allow is missing: %s, or * for everything", strings.Join(app.Permissions(), ", "))
		}
		var err error
		if key.Allow, err = parsePermissions(*allow); err != nil {
			return err
		}
		if key.Profiles, err = parseComputeProfile(*profile); err != nil {
			return err
		}
		var lifetime time.Duration
		if c.given("expires") {
			if lifetime, err = parseLifetime(*expires); err != nil {
				return misused("--expires %q: %s", *expires, err)
			}
		}
		return where.with(ctx, c, func(ctx context.Context, r *registry) error {
			now := c.now()
			if lifetime > 0 {
				key.ExpiresAt = now.Add(lifetime)
			}
			return mint(ctx, c, r, key, now)
		})
	}
}

// mint makes the key and prints its secret. A key whose secret could not be
// printed is of no use to anybody, so it is revoked.
func mint(ctx context.Context, c *call, r *registry, key auth.NewKey, now time.Time) error {
	secret, err := auth.Mint(ctx, r, key, now)
	if err != nil {
		return refusal(key.Name, err)
	}
	_, printErr := fmt.Fprintln(c.stdout, secret)
	if printErr == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tableTimeout)
	defer cancel()
	// Only the text of the first error goes on: a closed pipe is news here.
	if _, err := r.RevokeCredential(ctx, key.Name, now); err != nil {
		return fmt.Errorf("the secret could not be printed (%s), and the key %s could not be revoked: %w",
			printErr.Error(), key.Name, err)
	}
	r.keys.Forget()
	return fmt.Errorf("the key %s was revoked again, since its secret could not be printed: %s", key.Name, printErr.Error())
}
