package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"

	"instances/pkg/instance"
)

func historyCommand() command {
	return command{
		name:      "history",
		arguments: []string{"KIND", "ID"},
		summary:   "show who changed an instance, when and how",
		details: `Shows the history of an instance, newest first, also after it was deleted: the
time (UTC), the operation, the key that made it, the version, and the fields
that changed. In the text form long values are cut; the JSON form is whole.

With --limit, and more to show, the cursor to go on with is on standard error,
and in the JSON form in next.`,
		examples: []string{
			"instances history topology 17",
			"instances history compute 01890a5d-ac96-774b-bcce-b302099a8057 --owner agent",
			"instances history execution demo --limit 20 --output json",
			"instances history topology 17 --table instances-prod --region eu-west-1",
		},
		prepare: history,
	}
}

func history(c *call) func(context.Context) error {
	where := place{timeout: longTimeout}
	var what subject
	what.flags(c)
	limit := c.flags.Int("limit", 0, "show `N` records at most (default all)")
	cursor := c.flags.String("cursor", "", "go on after the records that were shown with this `CURSOR`")
	form := formFlag(c)
	where.flags(c)
	return func(ctx context.Context) error {
		if err := where.check(c); err != nil {
			return err
		}
		key, err := what.key(c)
		if err != nil {
			return err
		}
		if c.given("limit") && (*limit < 1 || *limit > maxHistoryLimit) {
			return misused("--limit %d: want a number from 1 to %d", *limit, maxHistoryLimit)
		}
		q := instance.HistoryQuery{Key: key}
		if c.given("cursor") {
			if q, err = q.Resume(*cursor); err != nil {
				return misused("--cursor: not one of the history of this instance")
			}
		}
		asJSON, err := form()
		if err != nil {
			return err
		}
		return where.with(ctx, c, func(ctx context.Context, r *registry) error {
			p, err := readHistory(ctx, r, q, *limit)
			if err != nil {
				return err
			}
			if asJSON {
				return p.writeJSON(c.stdout)
			}
			if err := p.writeText(c.stdout); err != nil {
				return err
			}
			if len(p.events) == 0 {
				say(c.stderr, "There are no records, or they are past their time.\n")
			}
			if p.next != "" {
				say(c.stderr, "There is more: go on with --cursor %s\n", p.next)
			}
			return nil
		})
	}
}

// maxHistoryLimit is the largest limit: more is a mistyped number.
const maxHistoryLimit = 1_000_000

// historyPage is a part of the history of an instance, newest first.
type historyPage struct {
	events []instance.Event
	// next is the cursor of the next part, empty at the end.
	next string
}

// readHistory returns the answer to q with limit events at most, unless that
// is 0. It is an error where there is neither a history nor an instance.
func readHistory(ctx context.Context, r *registry, q instance.HistoryQuery, limit int) (historyPage, error) {
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
		return historyPage{}, wordsFor(err, fmt.Sprintf("there is no %s, and no history of one", describe(q.Key)))
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
			changes = []instance.FieldChange{} // Never null, which is no list.
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
		if _, err := fmt.Fprintf(w, "%s  %-7s  %s, version %d\n", orDash(e.At), e.Operation, textOrDash(e.By), e.Version); err != nil {
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
	before, after, name := valueOrDash(f.Old), valueOrDash(f.New), printable(f.Field)+": "
	room := max(width-utf8.RuneCountInString(name+arrow), 2*least)
	// Each may have half of the room, and what the other leaves of its half.
	before = shorten(before, max(room/2, room-utf8.RuneCountInString(after)))
	return name + before + arrow + shorten(after, room-utf8.RuneCountInString(before))
}

// valueOrDash returns a JSON value for a line; a dash is no JSON.
func valueOrDash(v json.RawMessage) string { return textOrDash(string(v)) }
