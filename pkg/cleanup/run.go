package cleanup

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"time"

	"instances/pkg/instance"
	"instances/pkg/repository/capacity"
)

const (
	// reserve is how long before the deadline nothing new is begun.
	reserve = 20 * time.Second
	// margin is how long before the deadline a call under way is given up, so
	// that there is time to report it.
	margin = 5 * time.Second
	// maxRow is how many removals in a row may fail before a step gives up.
	maxRow = 10
	// maxErrors is how many errors of one step are reported.
	maxErrors = 10
)

// ErrNoTime says that the deadline was too close to begin anything.
var ErrNoTime = errors.New("there is too little time for a cleanup")

// run is the state of one run.
type run struct {
	Options
	steps  []step
	asOf   time.Time
	report Report
	// by is whom the history names.
	by instance.Change
	// each is told what is due, in a preview; told is its error.
	each func(Due) error
	told error
	// deadline is that of the caller's context, where bounded is true.
	deadline time.Time
	bounded  bool
	// keep is the time that the current step leaves to the ones after it.
	keep time.Duration
	// early says that the current step stopped for want of time.
	early bool
}

// newRun returns a run that has done nothing.
func (s *Sweeper) newRun(asOf time.Time, dryRun bool) *run {
	return &run{Options: s.options, steps: s.steps, asOf: asOf, report: s.newReport(asOf, dryRun)}
}

// take has do take what is due in each step, and logs what came of it.
func (r *run) take(ctx context.Context, do func(context.Context, iter.Seq2[thing, error]) error) (Report, error) {
	outer := capacity.MeterFrom(ctx)
	ctx, meter := capacity.WithMeter(ctx)
	r.deadline, r.bounded = ctx.Deadline()
	started := r.Now()

	err := r.takeSteps(ctx, do)

	outer.Add(meter.Total())
	r.report.consume(meter.Total())
	r.report.Complete = len(r.report.Stopped) == 0
	r.log(ctx, err, r.Now().Sub(started))
	return r.report, err
}

// takeSteps takes the steps, each in its share of the time, and returns their
// errors.
func (r *run) takeSteps(ctx context.Context, do func(context.Context, iter.Seq2[thing, error]) error) error {
	if r.late() {
		r.stopped(r.steps)
		return fmt.Errorf("%w: the deadline is in %v, and nothing is begun in the last %v before it",
			ErrNoTime, time.Until(r.deadline).Round(time.Millisecond), reserve)
	}
	var errs []error
	for n, st := range r.steps {
		shared, cancel := r.share(ctx, len(r.steps)-n)
		err := shared.Err()
		if err == nil && !r.late() {
			err = do(shared, st.due(shared, r))
		}
		over := shared.Err() != nil
		cancel()
		if r.told != nil {
			r.stopped(r.steps[n:])
			return r.told
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", st.name, err))
		}
		switch {
		case err != nil && ctx.Err() != nil:
			r.stopped(r.steps[n:])
			return errors.Join(errs...)
		case err != nil && over, r.early:
			r.stopped(r.steps[n : n+1])
		}
	}
	return errors.Join(errs...)
}

// share gives the next step one of the shares of the time that is left, and a
// context that ends soon after that.
func (r *run) share(ctx context.Context, shares int) (context.Context, context.CancelFunc) {
	if !r.bounded {
		return context.WithCancel(ctx)
	}
	free := max(time.Until(r.deadline)-reserve, 0)
	r.keep = free - free/time.Duration(shares)
	return context.WithDeadline(ctx, r.deadline.Add(-r.keep-margin))
}

// late reports whether the current step has no more time, and notes that it
// stops then.
func (r *run) late() bool {
	r.early = r.bounded && time.Until(r.deadline) <= reserve+r.keep
	return r.early
}

// stopped notes that the steps have not finished.
func (r *run) stopped(steps []step) {
	for _, st := range steps {
		r.report.Stopped = append(r.report.Stopped, st.name)
	}
}

// remove removes what is due. A failure does not keep it from the next one;
// many in a row do.
func (r *run) remove(ctx context.Context, due iter.Seq2[thing, error]) error {
	var errs []error
	row := 0
	for t, err := range due {
		if err != nil {
			return join(errs, err)
		}
		if r.late() {
			break
		}
		d, outcome := t.describe(), "removed"
		n, err := t.remove(ctx, r)
		r.report.count(d, n)
		switch {
		case errors.Is(err, errChanged):
			outcome = "left alone"
			r.report.LeftAlone++
		case err != nil:
			r.report.Failed++
			errs = append(errs, fmt.Errorf("%v: %w", d, err))
			if ctx.Err() != nil {
				return join(errs)
			}
			if row++; row == maxRow {
				return join(errs, fmt.Errorf("given up after %d failures in a row", row))
			}
			continue
		}
		row = 0
		r.Logger.LogAttrs(ctx, slog.LevelDebug, outcome, d.attributes()...)
	}
	return join(errs)
}

// join joins the errors, not too many of them, and last.
func join(errs []error, last ...error) error {
	if more := len(errs) - maxErrors; more > 0 {
		errs = append(errs[:maxErrors], fmt.Errorf("and %d more", more))
	}
	return errors.Join(append(errs, last...)...)
}

// list tells of what is due.
func (r *run) list(_ context.Context, due iter.Seq2[thing, error]) error {
	for t, err := range due {
		if err != nil {
			return err
		}
		if r.late() {
			break
		}
		d := t.describe()
		r.report.count(d, max(d.Count, 1))
		if !d.Since.IsZero() {
			d.Age = r.asOf.Sub(d.Since)
		}
		if r.told = r.each(d); r.told != nil {
			break
		}
	}
	return nil
}

// change is a write of this run, now.
func (r *run) change(operation string) instance.Change {
	change := r.by
	change.At, change.Operation = r.Now(), operation
	return change
}

// log writes the line of the run.
func (r *run) log(ctx context.Context, err error, took time.Duration) {
	level := slog.LevelInfo
	attrs := append(r.report.attributes(), slog.Float64("duration_ms", float64(took.Microseconds())/1000))
	if r.report.Warning != "" {
		level = slog.LevelWarn
		attrs = append(attrs, slog.String("warning", r.report.Warning))
	}
	if err != nil {
		level = slog.LevelError
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	r.Logger.LogAttrs(ctx, level, "cleanup", attrs...)
}
