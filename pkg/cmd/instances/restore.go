package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"instances/pkg/instance"
)

// operator stands in the history for a person with this command. No key can
// have that name.
const operator = "(operator)"

func restoreCommand() command {
	return command{
		name:      "restore",
		arguments: []string{"KIND", "ID"},
		summary:   "bring a deleted instance back",
		details: `Brings back the instance of that id that was deleted last, as it was, and prints
it. instances deleted shows what there is. It fails, and changes nothing, where
the id or the code of the instance was taken since.`,
		examples: []string{
			"instances restore topology 17",
			"instances restore compute 01890a5d-ac96-774b-bcce-b302099a8057 --owner agent",
			"instances restore execution demo --table instances-prod --region eu-west-1",
		},
		prepare: restore,
	}
}

func restore(c *call) func(context.Context) error {
	var where place
	var what subject
	what.flags(c)
	form := formFlag(c)
	retention := historyRetentionFlag(c)
	where.flags(c)
	return func(ctx context.Context) error {
		if err := where.check(c); err != nil {
			return err
		}
		key, err := what.key(c)
		if err != nil {
			return err
		}
		asJSON, err := form()
		if err != nil {
			return err
		}
		if where.retention, err = retention(); err != nil {
			return err
		}
		return where.with(ctx, c, func(ctx context.Context, r *registry) error {
			i, err := r.Restore(ctx, key, operatorChange("restore", c.now()))
			if err != nil {
				return whyNotRestored(ctx, r, key, err)
			}
			write := writeRestoredText
			if asJSON {
				write = writeRestoredJSON
			}
			if err := write(c.stdout, i); err != nil {
				return err
			}
			say(c.stderr, "The %s is back.\n", describe(key))
			return nil
		})
	}
}

// operatorChange returns the change of a command, with a request id of its
// own.
func operatorChange(operation string, now time.Time) instance.Change {
	return instance.Change{By: operator, Owner: operator, At: now, RequestID: instance.NewTimeID(now), Operation: operation}
}

// whyNotRestored puts in words why the instance with the key did not come
// back.
func whyNotRestored(ctx context.Context, r *registry, key instance.Key, err error) error {
	switch {
	case errors.Is(err, instance.ErrNotFound):
		if _, getErr := r.Get(ctx, key); getErr == nil {
			return wordsFor(err, fmt.Sprintf("the %s is not deleted", describe(key)))
		}
		return wordsFor(err, fmt.Sprintf("there is no deleted %s: instances deleted %s shows all", describe(key), key.Kind))
	case errors.Is(err, instance.ErrExists):
		return wordsFor(err, fmt.Sprintf("the id of the deleted %s was taken since: an instance of that id exists; nothing was changed", describe(key)))
	case errors.Is(err, instance.ErrCodeTaken):
		return wordsFor(err, takenCode(ctx, r, key)+"; nothing was changed")
	}
	return err
}

// takenCode says that the code of the deleted instance with the key was taken,
// and names it and the instance that has it, as far as that can be found out.
func takenCode(ctx context.Context, r *registry, key instance.Key) string {
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
		return fmt.Sprintf("the code of the deleted %s was taken since", describe(key))
	}
	text := fmt.Sprintf("the code %s of the deleted %s was taken since", printable(code), describe(key))
	for i, err := range r.Search(ctx, instance.Query{Kind: key.Kind, Code: code, Limit: 1}) {
		if err == nil {
			return fmt.Sprintf("%s: the %s has it", text, describe(i.Key()))
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

func writeRestoredJSON(w io.Writer, i instance.Instance) error {
	return writeJSON(w, restoredJSON{i.Kind.Name, i.ID, i.Owner, i.Name, i.Code, i.Version})
}

func writeRestoredText(w io.Writer, i instance.Instance) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "ID\tOWNER\tNAME\tCODE\tVERSION")
	_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\n", i.ID, textOrDash(i.Owner),
		shorten(textOrDash(i.Name), maxNameWidth), textOrDash(i.Code), i.Version)
	return table.Flush()
}
