package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"instances/pkg/app"
	"instances/pkg/cleanup"
	"instances/pkg/cmd/instances/internal/store"
)

func (e *environment) cleanup() *cobra.Command {
	where := location{timeout: cleanupTimeout}
	var order cleanupOrder
	c := &cobra.Command{
		Use:     "cleanup",
		GroupID: groupData,
		Short:   "Permanently remove what is past its retention",
		Long: `Does what the scheduled function cleanup does: permanently removes the instances
and keys that were deleted, revoked or expired longer ago than --older-than,
records that have expired, and what interrupted writes left behind. If asked to,
it first deletes idle instances, which can be restored. It prints what each step
did.

It leaves alone what was restored or used again in the meantime. Ctrl-C stops it
between two writes; the next run continues from there. The exit code is 1 if
something failed or was not finished.

If the clock is more than 30 days past the last use of a data folder, it may
be wrong: that day, nothing is removed without --yes.

With --dry-run it changes nothing, and lists what is due, with ages.`,
		Example: examples(
			"instances cleanup --dry-run",
			"instances cleanup --older-than 30d",
			"instances cleanup --dry-run --older-than 90d --as-of 2030-01-01",
			"instances cleanup --silent-compute 90d --ended-execution 30d",
			"instances cleanup --table instances-prod --region eu-west-1 --output json",
		),
		Args: arguments(),
	}
	c.Flags().BoolVar(&order.dryRun, "dry-run", false, "change nothing, and list what would be done")
	c.Flags().BoolVar(&order.yes, "yes", false, "remove what is due even if the clock has jumped")
	flagFor(c, &order.Retention, "older-than", defaultDeletedRetention, parseRetention,
		"remove what was deleted, or ended, longer ago than this `TIME`, 1d or more")
	flagFor(c, &order.ComputeSilent, "silent-compute", "", parseRetention,
		"delete compute instances that were last seen longer ago than this `TIME`, 1d or more (default never)")
	flagFor(c, &order.ExecutionEnded, "ended-execution", "", parseRetention,
		"delete execution instances that ended longer ago than this `TIME`, 1d or more (default never)")
	flagFor(c, &order.asOf, "as-of", "", parseTime,
		"with --dry-run: list what would be due at this `TIME`, such as 2030-01-01 or 2030-01-01T12:00:00Z (default now)")
	formFlag(c, &order.form)
	historyRetentionFlag(c, &where.retention)
	where.flags(c)
	c.RunE = func(c *cobra.Command, _ []string) error {
		if !order.asOf.IsZero() && !order.dryRun {
			return misused("--as-of needs --dry-run: what is not due yet is not removed")
		}
		return where.with(c.Context(), e, func(ctx context.Context, r *store.Registry) error {
			// What it would log is printed here.
			sweeper, err := app.NewSweeper(r.OperatorRepository, order.CleanupSettings, e.now, slog.New(slog.DiscardHandler))
			if err != nil {
				return err
			}
			if order.dryRun {
				return e.preview(ctx, sweeper, order)
			}
			return e.sweep(ctx, sweeper, order)
		})
	}
	return c
}

// cleanupOrder is what the flags say.
type cleanupOrder struct {
	app.CleanupSettings
	dryRun, yes bool
	// asOf is zero for now.
	asOf time.Time
	form string
}

// sweep cleans up, and prints what it did.
func (e *environment) sweep(ctx context.Context, sweeper *cleanup.Sweeper, order cleanupOrder) error {
	report, err := sweeper.Sweep(ctx, cleanup.Request{By: operatorChange("", e.now()), TrustClock: order.yes})
	if printErr := writeReport(e.stdout, report, order.form == formJSON); printErr != nil {
		return errors.Join(err, printErr)
	}
	if report.LeftAlone > 0 {
		say(e.stderr, "Left alone, since they changed in the meantime: %d\n", report.LeftAlone)
	}
	return e.cleanupEnd(ctx, report, err)
}

// preview prints what a cleanup would do.
func (e *environment) preview(ctx context.Context, sweeper *cleanup.Sweeper, order cleanupOrder) error {
	due := []cleanup.Due{}
	report, err := sweeper.Preview(ctx, order.asOf, func(d cleanup.Due) error {
		due = append(due, d)
		return nil
	})
	if printErr := writePreview(e.stdout, report, due, order.form == formJSON); printErr != nil {
		return errors.Join(err, printErr)
	}
	say(e.stderr, "This was a dry run: nothing was changed.\n")
	return e.cleanupEnd(ctx, report, err)
}

// cleanupEnd says what went wrong, and where the run stopped.
func (e *environment) cleanupEnd(ctx context.Context, report cleanup.Report, err error) error {
	stopped := strings.Join(report.Stopped, ", ")
	switch {
	case report.Complete:
		return err
	case report.Warning != "":
		return errors.New(report.Warning)
	case err == nil:
		return fmt.Errorf("the time ran out in these steps: %s; the next run continues with them", stopped)
	case ctx.Err() == nil:
		return fmt.Errorf("%w\nThese steps were not finished: %s", err, stopped)
	}
	// Of one step it says only that it was interrupted.
	var steps interface{ Unwrap() []error }
	if errors.As(err, &steps) && len(steps.Unwrap()) > 1 {
		say(e.stderr, "%s\n", err)
	}
	say(e.stderr, "instances cleanup: interrupted; these steps were not finished, and the next run continues with them: %s\n", stopped)
	return exitError(exitFailed)
}
