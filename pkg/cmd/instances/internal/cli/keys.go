package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"instances/pkg/app"
	"instances/pkg/auth"
	"instances/pkg/cmd/instances/internal/store"
	"instances/pkg/cmd/instances/internal/text"
	"instances/pkg/compute"
)

func (e *environment) keysCreate() *cobra.Command {
	where := location{create: true}
	var key auth.NewKey
	var lifetime time.Duration
	var secretFrom string
	c := &cobra.Command{
		Use:   "create --name NAME --allow PERMISSIONS",
		Short: "Create a key and print its secret, once",
		Long: `Creates a key and prints nothing but its secret on standard output. The secret is
not stored and cannot be shown again.

A key belongs to an owner, and so does everything it creates. A new key of the
same owner can replace it; its name is never given to another owner.

With --secret-from, the key gets a secret that its client has already, and nothing
is printed. It has 12 to 255 characters of printable ASCII, and may end with a line
break, which is left out. One of fewer than 24 is a password: it works with Basic
credentials alone, and the first request with it in a process takes longer. What is
easy to guess, or is the secret of another key, is refused.

The compute API answers a key as its document says or, with --compute-profile
client, as the vendor's client expects.

Permissions: ` + strings.Join(app.Permissions(), ", ") + `, and * for everything.`,
		Example: examples(
			"instances keys create --name ci --allow topology:read,topology:write",
			"instances keys create --name ci-2 --owner ci --allow topology:read --expires 90d",
			"instances keys create --name agent --allow compute:read,compute:write --compute-profile client",
			"instances keys create --name engine --allow execution:read,execution:write",
			"instances keys create --name jdoe --allow topology:read --secret-from jdoe.secret",
			"instances keys create --name ops --allow '*' --table instances-prod --region eu-west-1",
		),
		Args: arguments(),
	}
	flagFor(c, &key.Name, "name", "", parseName, "`NAME` of the key: 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-'")
	flagFor(c, &key.Allow, "allow", "", parsePermissions, "what the key may do: `PERMISSIONS` with commas between them")
	complete(c, "allow", append(app.Permissions(), auth.AllowAll)...)
	ownerFlag(c, &key.Owner, "`OWNER` of the key (default its name)")
	flagFor(c, &key.Profiles, "compute-profile", compute.DocumentProfile, parseComputeProfile,
		"`PROFILE` of the compute API for this key: "+compute.DocumentProfile+" or "+compute.ClientProfile)
	complete(c, "compute-profile", compute.DocumentProfile, compute.ClientProfile)
	flagFor(c, &lifetime, "expires", "", parseLifetime, "`TIME` after which the key stops working, such as 90d or 36h (default never)")
	c.Flags().StringVar(&secretFrom, "secret-from", "", "`FILE` with the secret that the key gets, or - for standard input (default a new one)")
	where.flags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		switch {
		case c.Flags().Changed("secret-from") && secretFrom == "":
			return misused("--secret-from: the name of a file is missing, or - for standard input")
		case key.Name == "":
			return misused("--name is missing")
		case len(key.Allow) == 0:
			return misused("--allow is missing: %s, or * for everything", strings.Join(app.Permissions(), ", "))
		}
		key.Owner = cmp.Or(key.Owner, key.Name)
		secret := ""
		if secretFrom != "" {
			var err error
			// First, so that no registry is made for a secret that is refused.
			if secret, err = e.readSecret(c.Context(), key, secretFrom); err != nil {
				return err
			}
		}
		return where.with(c.Context(), e, func(ctx context.Context, r *store.Registry) error {
			now := e.now()
			if lifetime > 0 {
				key.ExpiresAt = now.Add(lifetime)
			}
			if secretFrom != "" {
				if err := auth.Adopt(ctx, r, key, secret, now); err != nil {
					return describeTaken(err, key.Name)
				}
				say(e.stderr, "The key %s has the secret from %s.\n", key.Name, inputName(secretFrom))
				return nil
			}
			return e.mint(ctx, r, key, now)
		})
	}
	return c
}

// maxSecretFile is the size of the largest file with a secret, in bytes: more than
// any secret has, so that the reason given is its length.
const maxSecretFile = 4 << 10

// readSecret returns the secret for the key in a file. No message shows it. What was
// on standard input is there again, for a process that serves the data folder.
func (e *environment) readSecret(ctx context.Context, key auth.NewKey, path string) (string, error) {
	file, err := e.readInput(ctx, path, maxSecretFile)
	if errors.Is(err, errInputTooLarge) {
		return "", fmt.Errorf("%s is too large for a secret", inputName(path))
	}
	if err != nil {
		return "", fmt.Errorf("read the secret: %w", err)
	}
	if path == "-" {
		e.stdin = bytes.NewReader(file)
	}
	secret := strings.TrimSuffix(strings.TrimSuffix(string(file), "\n"), "\r")
	return secret, key.CheckSecret(secret)
}

// describeTaken says what to do where the name or the secret of a key is taken.
func describeTaken(err error, name string) error {
	switch {
	case errors.Is(err, auth.ErrNameTaken):
		return reword(err, "a key named %s exists: choose another name (with --owner, keys share an owner), "+
			"or first revoke it: instances keys revoke %[1]s", name)
	case errors.Is(err, auth.ErrNameOfOther):
		return reword(err, "the name %s belongs to another owner, also when the key is revoked: choose another name", name)
	case errors.Is(err, auth.ErrSecretTaken):
		return reword(err, "another key has this secret, or had it and was revoked: give %s one of its own", name)
	}
	return err
}

// mint makes the key and prints its secret. A key whose secret could not be
// printed is of no use to anybody, so it is revoked.
func (e *environment) mint(ctx context.Context, r *store.Registry, key auth.NewKey, now time.Time) error {
	secret, err := auth.Mint(ctx, r, key, now)
	if err != nil {
		return describeTaken(err, key.Name)
	}
	_, printErr := fmt.Fprintln(e.stdout, secret)
	if printErr == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tableTimeout)
	defer cancel()
	// The first error is not wrapped: a closed pipe must be reported here.
	if _, err := r.RevokeCredential(ctx, key.Name, now); err != nil {
		return fmt.Errorf("the secret could not be printed (%s), and the key %s could not be revoked: %w",
			printErr.Error(), key.Name, err)
	}
	r.Keys.Forget()
	return fmt.Errorf("the key %s was revoked again, since its secret could not be printed: %s", key.Name, printErr.Error())
}

func (e *environment) keysList() *cobra.Command {
	c := &cobra.Command{
		Use:   "list",
		Short: "List the keys",
		Long: `Lists the keys by name, with owner, permissions, profiles and times (UTC),
revoked and expired ones included. A key without a profile has the default one.
Secrets are not stored and cannot be listed.`,
		Example: examples(
			"instances keys list",
			"instances keys list --output json",
			"instances keys list --table instances-prod --region eu-west-1",
		),
		Args: arguments(),
	}
	return e.listing(c, func(ctx context.Context, r *store.Registry, asJSON bool) error {
		list := []keyJSON{}
		for k, err := range r.Credentials(ctx) {
			if err != nil {
				return fmt.Errorf("read the keys: %w", err)
			}
			profiles := map[string]string{} // Never null, which is not an object.
			maps.Copy(profiles, k.Profiles)
			list = append(list, keyJSON{
				k.Name, k.Owner, k.Allow, profiles, k.CreatedAt.UTC(), orNull(k.ExpiresAt), orNull(k.RevokedAt),
			})
		}
		if asJSON {
			return writeJSON(e.stdout, list)
		}
		table := text.NewTable(e.stdout, "NAME", "OWNER", "ALLOW", "PROFILES", "CREATED", "EXPIRES", "REVOKED")
		for _, k := range list {
			table.Row(k.Name, k.Owner, strings.Join(k.Allow, ","), describeProfiles(k.Profiles), &k.Created, k.Expires, k.Revoked)
		}
		return table.Flush()
	})
}

// keyJSON is a key in the list; times are null where they do not apply, and
// profiles are those that are not the default.
type keyJSON struct {
	Name     string            `json:"name"`
	Owner    string            `json:"owner"`
	Allow    []string          `json:"allow"`
	Profiles map[string]string `json:"profiles"`
	Created  time.Time         `json:"created"`
	Expires  *time.Time        `json:"expires"`
	Revoked  *time.Time        `json:"revoked"`
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// describeProfiles lists profiles such as compute=client.
func describeProfiles(profiles map[string]string) string {
	var all []string
	for _, dialect := range slices.Sorted(maps.Keys(profiles)) {
		all = append(all, dialect+"="+profiles[dialect])
	}
	return strings.Join(all, ",")
}

func (e *environment) keysRevoke() *cobra.Command {
	var where location
	var name string
	c := &cobra.Command{
		Use:   "revoke NAME",
		Short: "Revoke a key",
		Long: `Revokes a key. A process that serves the data folder refuses it at once;
deployed functions do so within a minute. Revoking again changes nothing.`,
		Example: examples(
			"instances keys revoke ci",
			"instances keys revoke ci --table instances-prod --region eu-west-1",
		),
		Args: arguments("NAME"),
	}
	flagFor(c, &name, "name", "", parseName, "`NAME` of the key, in place of the argument")
	where.flags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		switch {
		case len(args) == 1 && name != "":
			return misused("the name is given twice: as an argument and as --name")
		case len(args) == 1:
			var err error
			if name, err = parseName(args[0]); err != nil {
				return misused("the name %q: %s", args[0], err)
			}
		case name == "":
			return misused("NAME is missing: instances keys list shows all")
		}
		return where.with(c.Context(), e, func(ctx context.Context, r *store.Registry) error {
			k, err := r.RevokeCredential(ctx, name, e.now())
			if errors.Is(err, auth.ErrNoCredential) {
				return fmt.Errorf("there is no key named %s: instances keys list shows all", name)
			}
			if err != nil {
				return err
			}
			r.Keys.Forget()
			say(e.stderr, "The key %s was revoked at %s.\n", k.Name, text.Cell(k.RevokedAt))
			return nil
		})
	}
	return c
}
