package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"instances/pkg/cmd/instances/internal/kinds"
	"instances/pkg/cmd/instances/internal/store"
	"instances/pkg/cmd/instances/internal/text"
	"instances/pkg/instance"
)

func (e *environment) deleted() *cobra.Command {
	where := location{timeout: longTimeout}
	var owner, form string
	c := &cobra.Command{
		Use:     "deleted KIND",
		GroupID: groupData,
		Short:   "List the deleted instances that can be restored",
		Long: `Lists the trash of a kind (` + kinds.List() + `), latest deletion
last, with the time of the deletion (UTC). An id that was deleted several times
is listed each time; instances restore takes the last. The cleanup permanently
removes what has been in the trash for too long.`,
		Example: examples(
			"instances deleted topology",
			"instances deleted compute --owner agent",
			"instances deleted execution --output json",
			"instances deleted topology --table instances-prod --region eu-west-1",
		),
		Args:              arguments("KIND"),
		ValidArgsFunction: completeKind,
	}
	ownerFlag(c, &owner, "list the instances of this `OWNER` only")
	formFlag(c, &form)
	where.flags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		d, err := parseKind(args)
		if err != nil {
			return err
		}
		return where.with(c.Context(), e, func(ctx context.Context, r *store.Registry) error {
			list, err := readTrash(ctx, r, d.Kind, owner)
			if err != nil {
				return err
			}
			if form == formJSON {
				return writeJSON(e.stdout, list)
			}
			return writeDeleted(e.stdout, list, e.now())
		})
	}
	return c
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
func readTrash(ctx context.Context, r *store.Registry, kind instance.Kind, owner string) ([]deletedJSON, error) {
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

// writeDeleted writes the list as a table, with ages at now.
func writeDeleted(w io.Writer, list []deletedJSON, now time.Time) error {
	t := text.NewTable(w, "ID", "OWNER", "NAME", "CODE", "DELETED", "AGE")
	for _, d := range list {
		t.Row(d.ID, d.Owner, text.Shorten(text.Cell(d.Name), text.MaxNameWidth), d.Code, d.Deleted, text.Age(now.Sub(d.Deleted)))
	}
	return t.Flush()
}
