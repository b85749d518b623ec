package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"instances/pkg/cmd/instances/internal/kinds"
	"instances/pkg/cmd/instances/internal/store"
	"instances/pkg/cmd/instances/internal/text"
	"instances/pkg/instance"
	"instances/pkg/repository/dynamo"
)

const (
	// defaultUpgradeUnits is half of what the template lets a table write a second.
	defaultUpgradeUnits = 500
	// upgradeInterval is how often an upgrade says how far it is.
	upgradeInterval = 10 * time.Second
)

func (e *environment) upgrade() *cobra.Command {
	where := location{timeout: transferTimeout}
	o := dynamo.UpgradeOptions{Kinds: kinds.Stored(), After: e.after}
	var form string
	c := &cobra.Command{
		Use:     "upgrade --table NAME",
		GroupID: groupData,
		Short:   "Bring a table to the newest layout while it is in use",
		Long: `Brings a DynamoDB table to the layout of this version: every instance gets what the
indexes read, folded as this version compares texts. Until it is done, searches find
such texts as they did before; in a table of layout 1, those by subgroup, status or
name read all instances. Deploy this version first: no older one may write to the
table afterwards.

It names instances whose codes have become equal, since the letters i, ı and İ have:
they keep them, and no other instance can take the code until the last one has another.

With --name-search indexed it also adds the rows by which the template's parameter
NameSearch=Indexed finds parts of names, and which every write keeps from then on.
With --name-search walk it removes them again. Without the flag, a table keeps what it
has.

It waits a minute and a half before each of its steps, until every process knows what is
about to happen. Ctrl-C stops it; the next run goes on from there. A table that is as it should
be is left as it is.

A data folder needs no upgrade: it is brought up to date whenever it is opened.`,
		Example: examples(
			"instances upgrade --table instances-prod --region eu-west-1",
			"instances upgrade --table instances-prod --name-search indexed",
			"instances upgrade --table instances-prod --name-search walk --write-units 100",
		),
		Args: arguments(),
	}
	flagFor(c, &o.Names, "name-search", "", parseNameSearch, "`WAY` in which parts of names are to be found: indexed or walk (default as it is)")
	complete(c, "name-search", "indexed", "walk")
	flagFor(c, &o.WriteUnits, "write-units", strconv.Itoa(defaultUpgradeUnits), parseUnits,
		"write `NUMBER` units a second on average; 0 for as many as possible")
	formFlag(c, &form)
	where.flags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		// Only a folder would be made.
		where.create = where.table.Name != ""
		return where.with(c.Context(), e, func(ctx context.Context, r *store.Registry) error {
			table, ok := r.OperatorRepository.(*dynamo.Repository)
			if !ok {
				say(e.stderr, "A data folder is brought up to date whenever it is opened: this one is.\n")
				return nil
			}
			o.Progress = e.upgrading()
			o.EqualCodes = func(of []instance.Instance) { say(e.stderr, "%s\n", store.EqualCodes(of)) }
			report, err := table.Upgrade(ctx, o)
			if err != nil {
				return whyNotUpgraded(ctx, err)
			}
			return writeUpgraded(e.stdout, report, form == formJSON)
		})
	}
	return c
}

// parseNameSearch reads what becomes of name rows.
func parseNameSearch(text string) (dynamo.NameRows, error) {
	switch text {
	case "":
		return dynamo.LeaveNames, nil
	case "indexed":
		return dynamo.AddNames, nil
	case "walk":
		return dynamo.RemoveNames, nil
	}
	return 0, errors.New("want indexed or walk")
}

// parseUnits reads a number of units a second. An account has 40,000 for a table.
func parseUnits(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > 40_000 {
		return 0, errors.New("want a number from 0 to 40000")
	}
	return n, nil
}

// upgrading returns what says how far an upgrade is, now and then.
func (e *environment) upgrading() func(dynamo.UpgradeStep, dynamo.UpgradeReport) {
	var last time.Time
	return func(step dynamo.UpgradeStep, done dynamo.UpgradeReport) {
		if step == dynamo.StepWaiting {
			say(e.stderr, "Waiting a minute and a half, until every process knows what comes.\n")
			return
		}
		now := e.now()
		if now.Sub(last) < upgradeInterval {
			return
		}
		last = now
		if step == dynamo.StepRemoving {
			say(e.stderr, "Removed %d name rows so far.\n", done.Removed)
		} else {
			say(e.stderr, "Read %d instances so far, of which %d were not up to date.\n", done.Read, done.Changed)
		}
	}
}

// whyNotUpgraded says what to do about an upgrade that did not end.
func whyNotUpgraded(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, dynamo.ErrUpgrading):
		return fmt.Errorf("%w: run it again when that one has ended", err)
	case ctx.Err() != nil:
		return err
	}
	return fmt.Errorf("%w\nThe next run goes on from here", err)
}

func writeUpgraded(w io.Writer, r dynamo.UpgradeReport, asJSON bool) error {
	if asJSON {
		return writeJSON(w, r)
	}
	search := "walk"
	if r.NameRows {
		search = "indexed"
	}
	t := text.NewTable(w, "LAYOUT", "NAME SEARCH", "READ", "CHANGED", "ROWS REMOVED")
	t.Row(fmt.Sprintf("%d (was %d)", r.To, r.From), search, r.Read, r.Changed, r.Removed)
	return t.Flush()
}
