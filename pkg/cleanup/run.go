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
	// margin is how long before the deadline a call that is still under way is
	// given up, so that there is time to report it.
	margin = 5 * time.Second
)

// ErrNoTime says that the deadline was too close to begin anything.
var ErrNoTime = errors.New("there is too little time for a cleanup")

// run is the state of one run.
type run struct {
	options Options
	asOf    time.Time
	report  Report
	// by is who the history tells of.
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

// work is what a step does.
type work func(context.Context, *run) error

// run takes all steps and logs what came of them.
func (r *run) run(ctx context.Context, steps []step, of func(step) work) (Report, error) {
	outer := capacity.MeterFrom(ctx)
	ctx, meter := capacity.WithMeter(ctx)
	r.deadline, r.bounded = ctx.Deadline()
	started := r.options.Now()

	err := r.steps(ctx, steps, of)

	outer.Add(meter.Total())
	r.report.consume(meter.Total())
	r.report.Complete = len(r.report.Stopped) == 0
	r.log(ctx, err, r.options.Now().Sub(started))
	return r.report, err
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
	r.options.Logger.LogAttrs(ctx, level, "cleanup", attrs...)
}

// steps takes all steps, and returns their errors.
func (r *run) steps(ctx context.Context, steps []step, of func(step) work) error {
	if r.late() {
		r.stopped(steps)
		return fmt.Errorf("%w: the deadline is in %v, and nothing is begun in the last %v before it",
			ErrNoTime, r.left().Round(time.Millisecond), reserve)
	}
	if r.bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, r.deadline.Add(-margin))
		defer cancel()
	}
	var errs []error
	for n, st := range steps {
		// One share of the time that is left is for this step.
		free := r.left() - reserve
		r.keep, r.early = free-free/time.Duration(len(steps)-n), false
		err := ctx.Err()
		if err == nil {
			err = of(st)(ctx, r)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", st.name, err))
		}
		switch {
		case r.told != nil:
			r.stopped(steps[n:])
			return r.told
		case err != nil && ctx.Err() != nil:
			r.stopped(steps[n:])
			return errors.Join(errs...)
		case r.early:
			r.stopped(steps[n : n+1])
		}
	}
	return errors.Join(errs...)
}

// stopped notes that the steps have not come to their end.
func (r *run) stopped(steps []step) {
	for _, st := range steps {
		r.report.Stopped = append(r.report.Stopped, st.name)
	}
}

// left is the time to the deadline, where there is one.
func (r *run) left() time.Duration {
	if !r.bounded {
		return 0
	}
	return r.options.Until(r.deadline)
}

// late reports whether the current step has no more time, and notes that it
// stops then.
func (r *run) late() bool {
	r.early = r.bounded && r.left() <= reserve+r.keep
	return r.early
}

// removeEach removes what is found. A failure does not keep it from the next
// one; many in a row do.
func (r *run) removeEach(ctx context.Context, found iter.Seq2[thing, error]) error {
	if r.late() {
		return nil
	}
	var failed failures
	for t, err := range found {
		if err != nil {
			return failed.join(err)
		}
		if r.late() {
			break
		}
		err := t.remove(ctx)
		if err != nil && !errors.Is(err, errChanged) {
			r.report.Failed++
			failed.add(fmt.Errorf("%s %q: %w", t.What, t.ID, err))
			if ctx.Err() != nil {
				break
			}
			if failed.row == maxFailures {
				return failed.join(fmt.Errorf("given up after %d failures in a row", maxFailures))
			}
			continue
		}
		failed.row = 0
		what := "removed"
		if err != nil {
			what = "left alone"
			r.report.LeftAlone++
		} else {
			r.report.count(t.Due)
		}
		r.options.Logger.LogAttrs(ctx, slog.LevelDebug, what, t.attributes()...)
	}
	return failed.join(nil)
}

// tellEach tells of what is found.
func (r *run) tellEach(found iter.Seq2[thing, error]) error {
	if r.late() {
		return nil
	}
	for t, err := range found {
		if err != nil {
			return err
		}
		if r.late() {
			break
		}
		r.report.count(t.Due)
		if err := r.tell(t.Due); err != nil {
			return err
		}
	}
	return nil
}

// tell tells of one thing.
func (r *run) tell(d Due) error {
	r.told = r.each(d)
	return r.told
}

// due describes a thing.
func (r *run) due(what string, key instance.Key, owner, name string, since time.Time) Due {
	return Due{
		What: what, Kind: key.Kind, ID: key.ID, Owner: owner, Name: name, Since: since.UTC(), Age: r.asOf.Sub(since),
	}
}

// change is a write of this run, now.
func (r *run) change(operation string) instance.Change {
	change := r.by
	change.At, change.Operation = r.options.Now(), operation
	return change
}
