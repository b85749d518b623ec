package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"instances/pkg/auth"
)

func keysListCommand() command {
	return command{
		name:    "keys list",
		summary: "list the keys",
		details: `Lists the keys by name, with owner, permissions, profiles and times (UTC),
revoked and expired ones included. A key without a profile speaks the default
one. Secrets are not stored and cannot be listed.`,
		examples: []string{
			"instances keys list",
			"instances keys list --output json",
			"instances keys list --table instances-prod --region eu-west-1",
		},
		prepare: keysList,
	}
}

func keysList(c *call) func(context.Context) error {
	return listing(c, func(ctx context.Context, r *registry, asJSON bool) error {
		keys := []auth.Credential{}
		for k, err := range r.Credentials(ctx) {
			if err != nil {
				return fmt.Errorf("read the keys: %w", err)
			}
			keys = append(keys, k)
		}
		if asJSON {
			return writeKeysJSON(c.stdout, keys)
		}
		return writeKeysText(c.stdout, keys)
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

func writeKeysJSON(w io.Writer, keys []auth.Credential) error {
	list := make([]keyJSON, 0, len(keys))
	for _, k := range keys {
		profiles := map[string]string{} // Never null, which is no object.
		maps.Copy(profiles, k.Profiles)
		list = append(list, keyJSON{
			k.Name, k.Owner, k.Allow, profiles, k.CreatedAt.UTC(), orNull(k.ExpiresAt), orNull(k.RevokedAt),
		})
	}
	return writeJSON(w, list)
}

func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func writeKeysText(w io.Writer, keys []auth.Credential) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "NAME\tOWNER\tALLOW\tPROFILES\tCREATED\tEXPIRES\tREVOKED")
	for _, k := range keys {
		// The writer keeps its first error for Flush.
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.Name, k.Owner, strings.Join(k.Allow, ","),
			describeProfiles(k.Profiles), orDash(k.CreatedAt), orDash(k.ExpiresAt), orDash(k.RevokedAt))
	}
	return table.Flush()
}

// describeProfiles lists profiles such as compute=client.
func describeProfiles(profiles map[string]string) string {
	if len(profiles) == 0 {
		return "-"
	}
	var all []string
	for _, dialect := range slices.Sorted(maps.Keys(profiles)) {
		all = append(all, dialect+"="+profiles[dialect])
	}
	return strings.Join(all, ",")
}

func orDash(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}
