package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"instances/pkg/cmd/instances/internal/kinds"
	"instances/pkg/cmd/instances/internal/store"
	"instances/pkg/cmd/instances/internal/text"
	"instances/pkg/instance"
)

// operator stands in the history for a person with this command. No key can
// have that name.
const operator = "(operator)"

func (e *environment) restore() *cobra.Command {
	var where location
	var owner, form string
	c := &cobra.Command{
		Use:     "restore KIND ID",
		GroupID: groupData,
		Short:   "Restore a deleted instance",
		Long: `Restores the instance that was last deleted under that id, as it was, and prints
it. instances deleted lists what can be restored. If another instance has taken
the id or the code since, it fails and changes nothing.`,
		Example: examples(
			"instances restore topology 17",
			"instances restore compute 01890a5d-ac96-774b-bcce-b302099a8057 --owner agent",
			"instances restore execution demo --table instances-prod --region eu-west-1",
		),
		Args:              arguments("KIND", "ID"),
		ValidArgsFunction: completeKind,
	}
	ownerFlag(c, &owner, ownerOfInstance)
	formFlag(c, &form)
	historyRetentionFlag(c, &where.retention)
	where.flags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		key, err := parseKey(args, owner)
		if err != nil {
			return err
		}
		return where.with(c.Context(), e, func(ctx context.Context, r *store.Registry) error {
			i, err := r.Restore(ctx, key, operatorChange("restore", e.now()))
			if err != nil {
				return whyNotRestored(ctx, r, key, err)
			}
			if err := writeRestored(e.stdout, i, form == formJSON); err != nil {
				return err
			}
			say(e.stderr, "Restored the %s.\n", kinds.Describe(key))
			return nil
		})
	}
	return c
}

// operatorChange returns the change of a command, with a request id of its
// own.
func operatorChange(operation string, now time.Time) instance.Change {
	return instance.Change{By: operator, Owner: operator, At: now, RequestID: instance.NewTimeID(now), Operation: operation}
}

// whyNotRestored puts in words why the instance with the key did not come
// back.
func whyNotRestored(ctx context.Context, r *store.Registry, key instance.Key, err error) error {
	switch {
	case errors.Is(err, instance.ErrNotFound):
		if _, getErr := r.Get(ctx, key); getErr == nil {
			return reword(err, "the %s is not deleted", kinds.Describe(key))
		}
		return reword(err, "there is no deleted %s: instances deleted %s shows all", kinds.Describe(key), key.Kind)
	case errors.Is(err, instance.ErrExists):
		return reword(err, "the id of the deleted %s was taken since: an instance of that id exists; nothing was changed", kinds.Describe(key))
	case errors.Is(err, instance.ErrCodeTaken):
		return reword(err, "%s; nothing was changed", takenCode(ctx, r, key))
	}
	return err
}

// takenCode says that the code of the deleted instance with the key was taken,
// and names it and the instance that has it, as far as that can be found out.
func takenCode(ctx context.Context, r *store.Registry, key instance.Key) string {
	code := ""
	for d, err := range r.Deleted(ctx, key.Kind, time.Time{}) {
		if err != nil {
			break
		}
		if d.Key() == key {
			// The last one is what restore takes.
			code = d.Code
		}
	}
	if code == "" {
		return fmt.Sprintf("the code of the deleted %s was taken since", kinds.Describe(key))
	}
	text := fmt.Sprintf("the code %s of the deleted %s was taken since", text.Printable(code), kinds.Describe(key))
	for i, err := range r.Search(ctx, instance.Query{Kind: key.Kind, Code: code, Limit: 1}) {
		if err == nil {
			return fmt.Sprintf("%s: the %s has it", text, kinds.Describe(i.Key()))
		}
	}
	return text
}

// restoredJSON is the instance that came back.
type restoredJSON struct {
	Kind    string `json:"kind"`
	ID      string `json:"id"`
	Owner   string `json:"owner"`
	Name    string `json:"name"`
	Code    string `json:"code"`
	Version int64  `json:"version"`
}

func writeRestored(w io.Writer, i instance.Instance, asJSON bool) error {
	if asJSON {
		return writeJSON(w, restoredJSON{i.Kind.Name, i.ID, i.Owner, i.Name, i.Code, i.Version})
	}
	t := text.NewTable(w, "ID", "OWNER", "NAME", "CODE", "VERSION")
	t.Row(i.ID, i.Owner, text.Shorten(text.Cell(i.Name), text.MaxNameWidth), i.Code, i.Version)
	return t.Flush()
}
