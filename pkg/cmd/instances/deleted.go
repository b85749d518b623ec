package main

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"instances/pkg/instance"
)

func deletedCommand() command {
	return command{
		name:      "deleted",
		arguments: []string{"KIND"},
		summary:   "list the deleted instances that can be restored",
		details: `Lists the trash of a kind (` + kindNames() + `), what was deleted last
at the end, with the time of the deletion (UTC). An id that was deleted several
times is there as often; instances restore takes the last. The cleanup removes
for good what has been in the trash for long.`,
		examples: []string{
			"instances deleted topology",
			"instances deleted compute --owner agent",
			"instances deleted execution --output json",
			"instances deleted topology --table instances-prod --region eu-west-1",
		},
		prepare: deleted,
	}
}

func deleted(c *call) func(context.Context) error {
	where := place{timeout: longTimeout}
	owner := c.flags.String("owner", "", "list the instances of this `OWNER` only")
	form := formFlag(c)
	where.flags(c)
	return func(ctx context.Context) error {
		if err := where.check(c); err != nil {
			return err
		}
		d, err := parseKind(c)
		if err != nil {
			return err
		}
		if c.given("owner") {
			if err := checkName("--owner", *owner); err != nil {
				return err
			}
		}
		asJSON, err := form()
		if err != nil {
			return err
		}
		return where.with(ctx, c, func(ctx context.Context, r *registry) error {
			list, err := readTrash(ctx, r, d.kind, *owner)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(c.stdout, list)
			}
			return writeDeletedText(c.stdout, list, c.now())
		})
	}
}

// deletedJSON is an instance in the list. Texts that it does not have are
// empty.
type deletedJSON struct {
	ID      string    `json:"id"`
	Owner   string    `json:"owner"`
	Name    string    `json:"name"`
	Code    string    `json:"code"`
	Version int64     `json:"version"`
	Deleted time.Time `json:"deleted"`
}

// readTrash returns the trash of a kind, or what an owner has there.
func readTrash(ctx context.Context, r *registry, kind instance.Kind, owner string) ([]deletedJSON, error) {
	list := []deletedJSON{}
	for d, err := range r.Deleted(ctx, kind, time.Time{}) {
		if err != nil {
			return nil, fmt.Errorf("read the trash: %w", err)
		}
		if owner == "" || d.Owner == owner {
			// The instances themselves may be large.
			list = append(list, deletedJSON{d.ID, d.Owner, d.Name, d.Code, d.Version, d.DeletedAt.UTC()})
		}
	}
	return list, nil
}

// writeDeletedText writes the list as a table, with ages at now.
func writeDeletedText(w io.Writer, list []deletedJSON, now time.Time) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "ID\tOWNER\tNAME\tCODE\tDELETED\tAGE")
	for _, d := range list {
		// The writer keeps its first error for Flush.
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", d.ID, textOrDash(d.Owner),
			shorten(textOrDash(d.Name), maxNameWidth), textOrDash(d.Code), orDash(d.Deleted), age(now.Sub(d.Deleted)))
	}
	return table.Flush()
}
