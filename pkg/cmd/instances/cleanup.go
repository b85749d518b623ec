package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"instances/pkg/app"
	"instances/pkg/cleanup"
)

// defaultDeletedRetention is the default of the template's parameter.
const defaultDeletedRetention = "30d"

func cleanupCommand() command {
	return command{
		name:    "cleanup",
		summary: "remove for good what is kept no longer",
		details: `Does what the function cleanup does on its schedule: removes for good the
instances and keys that were deleted, revoked or expired longer ago than
--older-than, what expired by itself, and what an interrupted write left. Where
it is told to, it first deletes instances that are idle; these can be restored.
It prints what each step did.

What was restored, or used again, in between is left alone. Ctrl-C stops it
between two writes; the next run goes on from there. The exit code is 1 where
something failed or was not finished.

Where the clock is more than 30 days past the last use of a data folder, it may
be wrong: nothing is removed on that day without --yes.

With --dry-run it changes nothing, and lists what it would do, with ages.`,
		examples: []string{
			"instances cleanup --dry-run",
			"instances cleanup --older-than 30d",
			"instances cleanup --dry-run --older-than 90d --as-of 2030-01-01",
			"instances cleanup --silent-compute 90d --ended-execution 30d",
			"instances cleanup --table instances-prod --region eu-west-1 --output json",
		},
		prepare: cleanUp,
	}
}

// cleanupFlags are the flags of the command.
type cleanupFlags struct {
	dryRun, yes                   bool
	olderThan, compute, execution string
	asOf                          string
	form                          func() (asJSON bool, err error)
	historyRetention              func() (time.Duration, error)
}

// cleanupOrder is what they say.
type cleanupOrder struct {
	app.CleanupSettings
	dryRun, yes, asJSON bool
	// asOf is zero for now.
	asOf time.Time
	// historyRetention is 0 for ever.
	historyRetention time.Duration
}

func (f *cleanupFlags) add(c *call) {
	c.flags.BoolVar(&f.dryRun, "dry-run", false, "change nothing, and list what would be done")
	c.flags.BoolVar(&f.yes, "yes", false, "remove what is due even if the clock has jumped")
	c.flags.StringVar(&f.olderThan, "older-than", defaultDeletedRetention,
		"remove what was deleted, or ended, longer ago than this `TIME`, 1d or more")
	c.flags.StringVar(&f.compute, "silent-compute", "",
		"delete compute instances that were not heard of for this `TIME`, 1d or more (default never)")
	c.flags.StringVar(&f.execution, "ended-execution", "",
		"delete execution instances that ended longer ago than this `TIME`, 1d or more (default never)")
	c.flags.StringVar(&f.asOf, "as-of", "", "with --dry-run: list what would be due at this `TIME`, such as 2030-01-01 or 2030-01-01T12:00:00Z (default now)")
	f.form = formFlag(c)
	f.historyRetention = historyRetentionFlag(c)
}

// read checks the flags.
func (f *cleanupFlags) read(c *call) (o cleanupOrder, err error) {
	o.dryRun, o.yes = f.dryRun, f.yes
	for _, period := range []struct {
		flag, text string
		set        *time.Duration
	}{
		{"older-than", f.olderThan, &o.Retention},
		{"silent-compute", f.compute, &o.ComputeSilent},
		{"ended-execution", f.execution, &o.ExecutionEnded},
	} {
		if period.text == "" && !c.given(period.flag) {
			continue
		}
		if *period.set, err = parseRetention(period.flag, period.text); err != nil {
			return o, err
		}
	}
	if c.given("as-of") {
		if !f.dryRun {
			return o, misused("--as-of needs --dry-run: what is not due yet is not removed")
		}
		if o.asOf, err = parseTime(f.asOf); err != nil {
			return o, misused("--as-of %q: %s", f.asOf, err)
		}
	}
	if o.asJSON, err = f.form(); err != nil {
		return o, err
	}
	o.historyRetention, err = f.historyRetention()
	return o, err
}

// parseTime reads a time, or a day, which stands for its start (UTC).
func parseTime(text string) (time.Time, error) {
	for _, form := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(form, text); err == nil {
			return at.UTC(), nil
		}
	}
	return time.Time{}, errors.New("want a time such as 2030-01-01 or 2030-01-01T12:00:00Z")
}

func cleanUp(c *call) func(context.Context) error {
	where := place{timeout: cleanupTimeout}
	var flags cleanupFlags
	flags.add(c)
	where.flags(c)
	return func(ctx context.Context) error {
		if err := where.check(c); err != nil {
			return err
		}
		order, err := flags.read(c)
		if err != nil {
			return err
		}
		where.retention = order.historyRetention
		return where.with(ctx, c, func(ctx context.Context, r *registry) error {
			// What it would log is printed here.
			sweeper, err := app.NewSweeper(r.repository, order.CleanupSettings, c.now, slog.New(slog.DiscardHandler))
			if err != nil {
				return err
			}
			if order.dryRun {
				return preview(ctx, c, sweeper, order)
			}
			return sweep(ctx, c, sweeper, order)
		})
	}
}

// sweep cleans up, and prints what it did.
func sweep(ctx context.Context, c *call, sweeper *cleanup.Sweeper, order cleanupOrder) error {
	report, err := sweeper.Sweep(ctx, cleanup.Request{By: operatorChange("", c.now()), TrustClock: order.yes})
	write := writeReportText
	if order.asJSON {
		write = writeReportJSON
	}
	if printErr := write(c.stdout, report); printErr != nil {
		return errors.Join(err, printErr)
	}
	if report.LeftAlone > 0 {
		say(c.stderr, "Left alone, since it changed in between: %d\n", report.LeftAlone)
	}
	return cleanupEnd(ctx, c, report, err)
}

// preview prints what a cleanup would do.
func preview(ctx context.Context, c *call, sweeper *cleanup.Sweeper, order cleanupOrder) error {
	list := newDueList(c.stdout, order.asJSON)
	report, err := sweeper.Preview(ctx, order.asOf, list.add)
	if printErr := list.end(report); printErr != nil {
		return errors.Join(err, printErr)
	}
	say(c.stderr, "This was a dry run: nothing was changed.\n")
	return cleanupEnd(ctx, c, report, err)
}

// cleanupEnd says what went wrong, and where the run stopped.
func cleanupEnd(ctx context.Context, c *call, report cleanup.Report, err error) error {
	stopped := strings.Join(report.Stopped, ", ")
	switch {
	case report.Complete:
		return err
	case report.Warning != "":
		return errors.New(report.Warning)
	case err == nil:
		return fmt.Errorf("the time was over in these steps: %s; the next run goes on there", stopped)
	case ctx.Err() == nil:
		return fmt.Errorf("%w\nThese steps did not come to their end: %s", err, stopped)
	}
	// Of one step it says only that it was interrupted.
	var steps interface{ Unwrap() []error }
	if errors.As(err, &steps) && len(steps.Unwrap()) > 1 {
		say(c.stderr, "%s\n", err)
	}
	say(c.stderr, "instances %s: interrupted; these steps did not come to their end, and the next run goes on there: %s\n",
		c.command, stopped)
	return exitError(exitFailed)
}
