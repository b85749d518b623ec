package dynamo

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
)

const (
	// layoutVersion is the layout that the documentation of this package describes.
	// Layout 2 folded texts in another way ([formerFold]).
	layoutVersion = 3
	// layoutIndexed is the first layout in which every instance has what the indexes
	// read. That of a table without a layout item is 1.
	layoutIndexed = 2
)

const (
	// layoutFresh is how long a process relies on the layout that it has read.
	layoutFresh = time.Minute
	// layoutUse is how long an attempt at a write, or the reading of name rows, may
	// go on after that.
	layoutUse = 25 * time.Second
)

// namesState is what becomes of the name rows of a table.
type namesState string

const (
	// namesNone means that there are no name rows.
	namesNone namesState = ""
	// namesPreparing means that writes remove the rows of what they change, and
	// store none. Without this state, a process that knows of no rows could leave
	// those that another one, which keeps them already, has just stored.
	namesPreparing namesState = "preparing"
	// namesFilling means that writes keep the rows, and that those of older
	// instances are being added.
	namesFilling namesState = "filling"
	// namesComplete means that writes keep the rows, and that searches may use
	// them.
	namesComplete namesState = "complete"
	// namesLeaving means that writes still keep the rows, which searches no longer
	// use.
	namesLeaving namesState = "leaving"
	// namesRemoving means that writes no longer keep the rows, which are being
	// removed.
	namesRemoving namesState = "removing"
)

// layoutItem says how a table is laid out.
type layoutItem struct {
	itemKey
	// Version is the layout that every item has.
	Version int `dynamodbav:"version"`
	// Target is the layout that an upgrade is bringing, or 0.
	Target int        `dynamodbav:"target,omitempty"`
	Names  namesState `dynamodbav:"names,omitempty"`
	// Settled says that every process knows the rest, so that the work of the
	// upgrade may go on after the item with the key in AfterPK and AfterSK.
	Settled bool   `dynamodbav:"settled,omitempty"`
	AfterPK string `dynamodbav:"afterpk,omitempty"`
	AfterSK string `dynamodbav:"aftersk,omitempty"`
	// Write is random, and different after each change by an upgrade.
	Write string `dynamodbav:"w,omitempty"`
}

// start returns where a scan goes on, or nil for the beginning.
func (l layoutItem) start() item {
	if l.AfterPK == "" {
		return nil
	}
	return itemKey{l.AfterPK, l.AfterSK}.attributes()
}

// at returns l with the work having come as far as the key, or not having begun.
func (l layoutItem) at(key itemKey, settled bool) layoutItem {
	l.AfterPK, l.AfterSK, l.Settled = key.PK, key.SK, settled
	return l
}

// layoutKey is the item with the layout of the table.
func layoutKey() itemKey { return itemKey{"layout", "layout"} }

// layout is what a process does because of the layout of the table.
type layout struct {
	// indexed says that every instance is in all indexes. Otherwise only those are
	// that were written since the program knows this layout.
	indexed bool
	// mixed says that items may have texts as they were folded in layout 2, and
	// former that writes still fold them so.
	mixed, former bool
	// dropsNames says that each write of an instance removes the name rows that no
	// longer fit, keepsNames that it also stores those that do, and hasNames that
	// those of all instances are there.
	dropsNames, keepsNames, hasNames bool
	// until is when a reading of name rows that begins now has to be over, by the
	// clock of contexts. It is zero if the layout does not matter.
	until time.Time
}

// layoutMemory is what a process knows of the layout. It belongs to whoever has
// put something into turn.
type layoutMemory struct {
	turn chan struct{}
	layout
	// readAt is zero before the first time.
	readAt time.Time
	warned bool
}

// layout returns the layout of the table, which it reads at most once a minute.
// It is an error if the layout is newer than this program.
func (r *Repository) layout(ctx context.Context) (layout, error) {
	m := r.known
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
	case <-ctx.Done():
		return layout{}, unavailable("read the layout", ctx.Err())
	}
	// The monotonic clock stops while Lambda freezes the process.
	now := r.now().Round(0)
	if age := now.Sub(m.readAt); m.readAt.IsZero() || age < 0 || age >= layoutFresh {
		stored, err := r.readLayout(ctx)
		if err != nil {
			return layout{}, err
		}
		if err := r.checkLayout(stored); err != nil {
			return layout{}, err
		}
		r.warnOfLayout(ctx, stored)
		m.readAt = now
		m.layout = layout{
			indexed: stored.Version >= layoutIndexed,
			mixed:   stored.Version < layoutVersion,
			former:  max(stored.Version, stored.Target) < layoutVersion,
		}
		switch stored.Names {
		case namesNone, namesRemoving:
		case namesPreparing:
			m.dropsNames = true
		case namesFilling, namesLeaving:
			m.dropsNames, m.keepsNames = true, true
		case namesComplete:
			m.dropsNames, m.keepsNames, m.hasNames = true, true, m.indexed
		}
	}
	known := m.layout
	known.until = time.Now().Add(layoutUse)
	return known, nil
}

// readLayout reads the layout item, and stands in for one that is missing.
func (r *Repository) readLayout(ctx context.Context) (layoutItem, error) {
	attributes, err := r.getItem(ctx, layoutKey())
	if err != nil {
		return layoutItem{}, fmt.Errorf("read the layout: %w", err)
	}
	if len(attributes) == 0 {
		return layoutItem{itemKey: layoutKey(), Version: 1}, nil
	}
	return decode[layoutItem](attributes)
}

// checkLayout returns an error for a layout that this program does not know.
func (r *Repository) checkLayout(stored layoutItem) error {
	if newest := max(stored.Version, stored.Target); newest > layoutVersion {
		return fmt.Errorf("table %s has layout %d, and this program knows none above %d: deploy the version that upgraded it, or a later one",
			r.table, newest, layoutVersion)
	}
	return nil
}

// warnOfLayout logs, once, that an upgrade is due.
func (r *Repository) warnOfLayout(ctx context.Context, stored layoutItem) {
	if r.known.warned {
		return
	}
	var text string
	switch {
	case stored.Version < layoutIndexed:
		text = "the table has an old layout, and searches read all instances: run instances upgrade --table " + r.table
	case stored.Version < layoutVersion:
		text = "the table has an old layout, in which the letters i, ı and İ differ: run instances upgrade --table " + r.table
	case r.indexedNames && stored.Names != namesComplete:
		text = "the table has no complete name rows, and searches for parts of names read all names: run instances upgrade --name-search indexed --table " + r.table
	default:
		return
	}
	r.known.warned = true
	r.logger.LogAttrs(ctx, slog.LevelWarn, text, slog.Int("layout", stored.Version), slog.Int("newest", layoutVersion))
}

// Initialize gives a table that holds nothing yet the newest layout, and leaves
// any other alone. It is for operators: it reads an item, and a page of the table
// if there are neither layout nor keys.
func (r *Repository) Initialize(ctx context.Context) error {
	attributes, err := r.getItem(ctx, layoutKey())
	if err != nil || len(attributes) > 0 {
		return err
	}
	for _, err := range r.Credentials(ctx) {
		return err
	}
	for items, err := range r.scan(ctx, expression.AttributeExists(expression.Name("pk")), nil) {
		if err != nil || len(items) > 0 {
			return err
		}
	}
	w := r.transaction("initialize the table")
	w.put(layoutItem{itemKey: layoutKey(), Version: layoutVersion}, absent(), nil)
	_, err = w.repeat(ctx)
	return err
}
