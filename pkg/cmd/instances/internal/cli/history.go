package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"instances/pkg/cmd/instances/internal/kinds"
	"instances/pkg/cmd/instances/internal/store"
	"instances/pkg/cmd/instances/internal/text"
	"instances/pkg/instance"
)

func (e *environment) history() *cobra.Command {
	where := location{timeout: longTimeout}
	var owner, form, cursor string
	var limit int
	c := &cobra.Command{
		Use:     "history KIND ID",
		GroupID: groupData,
		Short:   "Show who changed an instance, when and how",
		Long: `Shows the history of an instance, newest first, also after it was deleted: the
time (UTC), the operation, the key used, the version, and the fields
that changed. The text form cuts long values; the JSON form has all of them.

With --limit, if there are more records, the cursor of the next page is printed on
standard error; in the JSON form it is the member next.`,
		Example: examples(
			"instances history topology 17",
			"instances history compute 01890a5d-ac96-774b-bcce-b302099a8057 --owner agent",
			"instances history execution demo --limit 20 --output json",
			"instances history topology 17 --table instances-prod --region eu-west-1",
		),
		Args:              arguments("KIND", "ID"),
		ValidArgsFunction: completeKind,
	}
	ownerFlag(c, &owner, ownerOfInstance)
	flagFor(c, &limit, "limit", "", parseLimit, "show at most `N` records (default all)")
	c.Flags().StringVar(&cursor, "cursor", "", "continue after the records shown with this `CURSOR`")
	formFlag(c, &form)
	where.flags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		key, err := parseKey(args, owner)
		if err != nil {
			return err
		}
		q := instance.HistoryQuery{Key: key}
		if c.Flags().Changed("cursor") {
			if q, err = q.Resume(cursor); err != nil {
				return misused("--cursor: not one of the history of this instance")
			}
		}
		return where.with(c.Context(), e, func(ctx context.Context, r *store.Registry) error {
			p, err := readHistory(ctx, r, q, limit)
			if err != nil {
				return err
			}
			if form == formJSON {
				return p.writeJSON(e.stdout)
			}
			if err := p.writeText(e.stdout); err != nil {
				return err
			}
			if len(p.events) == 0 {
				say(e.stderr, "There are no records, or they have expired.\n")
			}
			if p.next != "" {
				say(e.stderr, "There is more: continue with --cursor %s\n", p.next)
			}
			return nil
		})
	}
	return c
}

// parseLimit reads a number of records. More than a million is a mistyped one.
func parseLimit(text string) (int, error) {
	const most = 1_000_000
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, fmt.Errorf("want a number from 1 to %d", most)
	}
	return n, nil
}

// historyPage is a part of the history of an instance, newest first.
type historyPage struct {
	events []instance.Event
	// next is the cursor of the next part, empty at the end.
	next string
}

// readHistory returns the answer to q with limit events at most, unless that
// is 0. It is an error where there is neither a history nor an instance.
func readHistory(ctx context.Context, r *store.Registry, q instance.HistoryQuery, limit int) (historyPage, error) {
	var p historyPage
	if limit > 0 {
		// One more tells whether there are more.
		q.Limit = limit + 1
	}
	for e, err := range r.History(ctx, q) {
		if err != nil {
			return historyPage{}, fmt.Errorf("read the history: %w", err)
		}
		if limit > 0 && len(p.events) == limit {
			p.next = q.Cursor(p.events[limit-1])
			break
		}
		p.events = append(p.events, e)
	}
	if len(p.events) > 0 || q.After != "" {
		return p, nil
	}
	_, err := r.Get(ctx, q.Key)
	if errors.Is(err, instance.ErrNotFound) {
		return historyPage{}, reword(err, "there is no %s, and no history of one", kinds.Describe(q.Key))
	}
	return p, err
}

// historyJSON is a [historyPage]; next is null at the end.
type historyJSON struct {
	History []eventJSON `json:"history"`
	Next    *string     `json:"next"`
}

// eventJSON is one record. A field that was set has no old value, one that
// was cleared no new one.
type eventJSON struct {
	At          time.Time              `json:"at"`
	Operation   string                 `json:"operation"`
	By          string                 `json:"by"`
	Owner       string                 `json:"owner"`
	RequestID   string                 `json:"requestId"`
	Version     int64                  `json:"version"`
	Incarnation string                 `json:"incarnation"`
	Changes     []instance.FieldChange `json:"changes"`
}

func (p historyPage) writeJSON(w io.Writer) error {
	out := historyJSON{History: []eventJSON{}}
	for _, e := range p.events {
		changes := e.Fields
		if changes == nil {
			changes = []instance.FieldChange{} // Never null, which is not a list.
		}
		out.History = append(out.History, eventJSON{
			e.At.UTC(), e.Operation, e.By, e.Owner, e.RequestID, e.Version, e.Incarnation, changes,
		})
	}
	if p.next != "" {
		out.Next = &p.next
	}
	return writeJSON(w, out)
}

func (p historyPage) writeText(w io.Writer) error {
	for _, e := range p.events {
		if _, err := fmt.Fprintf(w, "%s  %-7s  %s, version %d\n", text.Cell(e.At), e.Operation, text.Cell(e.By), e.Version); err != nil {
			return err
		}
		for _, f := range e.Fields {
			if _, err := fmt.Fprintf(w, "    %s\n", describeChange(f, maxChangeWidth)); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxChangeWidth is how long the line of a change is at most without its
// indentation, in characters, unless the name of the field takes it all.
const maxChangeWidth = 96

// describeChange says in one line what a field was and is. Values that are too
// long for the width end in an ellipsis.
func describeChange(f instance.FieldChange, width int) string {
	const (
		arrow = " → "
		least = 12
	)
	// A dash stands for no value: it is not JSON.
	before, after, name := text.Cell(string(f.Old)), text.Cell(string(f.New)), text.Printable(f.Field)+": "
	room := max(width-utf8.RuneCountInString(name+arrow), 2*least)
	// Each may have half of the room, and what the other leaves of its half.
	before = text.Shorten(before, max(room/2, room-utf8.RuneCountInString(after)))
	return name + before + arrow + text.Shorten(after, room-utf8.RuneCountInString(before))
}
