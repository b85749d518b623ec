package cleanup

import (
	"context"
	"errors"
	"fmt"
	"time"

	"instances/pkg/instance"
)

// Request asks for a run of a [Sweeper]. The zero value asks for one of now.
type Request struct {
	// AsOf is the time that decides what is due, where it is not now: that of
	// the event which asks for the run. What the clock says is later is not due
	// then. A time later than now is refused, but for some minutes that clocks
	// may differ.
	AsOf time.Time
	// By is who asks: history records of what is deleted or purged carry its
	// names and request id. Without a name it is [By].
	By instance.Change
	// TrustClock removes what is due even if the clock has jumped.
	TrustClock bool
}

const (
	// maxEarly is how much later than now the time of a request may be.
	maxEarly = 10 * time.Minute
	// maxLate is how much earlier it may be without a warning: a schedule tries
	// again for some hours.
	maxLate = 24 * time.Hour
)

// ErrFuture says that the time of a request has not come.
var ErrFuture = errors.New("that time is in the future: what is not due yet is not removed")

// Sweep removes all that is due. The report is valid with an error too.
//
// Where the clock has jumped so that it may be wrong, it removes nothing, and
// the report and the log say so: see [Timekeeper].
//
// The error joins those of all steps. It is [ErrNoTime] when the deadline of
// ctx was too close to begin, and [ErrFuture] for a time that has not come.
// Stopping before the deadline is not an error.
func (s *Sweeper) Sweep(ctx context.Context, q Request) (Report, error) {
	if q.By.By == "" {
		q.By.By = By
	}
	if q.By.Owner == "" {
		q.By.Owner = q.By.By
	}
	now := s.options.Now()
	asOf := now
	if !q.AsOf.IsZero() && q.AsOf.Before(now) {
		asOf = q.AsOf
	}
	r := s.newRun(asOf, false)
	r.by = q.By
	switch {
	case q.AsOf.Sub(now) > maxEarly:
		return r.report, fmt.Errorf("as of %s at %s: %w", q.AsOf.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339), ErrFuture)
	case now.Sub(asOf) > maxLate:
		r.report.Warning = fmt.Sprintf("the clock is at %s, long after the time of the request: nothing is removed that was not due then",
			now.UTC().Format(time.RFC3339))
	}
	if clock := s.options.Timekeeper; clock != nil {
		jumped, err := clock.CheckClock(ctx, now, q.TrustClock)
		if err != nil {
			return r.report, fmt.Errorf("check the clock: %w", err)
		}
		if !jumped.Until.IsZero() {
			r.report.Warning = fmt.Sprintf("nothing is removed: %s. If it is right, the first cleanup after %s removes what is due; instances cleanup --yes does at once",
				jumped, jumped.Until.UTC().Format(time.RFC3339))
			r.stopped(r.steps)
			r.log(ctx, nil, 0)
			return r.report, nil
		}
	}
	return r.take(ctx, r.remove)
}

// Preview calls each with all that would be due at that time if nothing happened
// until then. The time may be in the future; zero means now. It changes nothing.
// An error of each ends the preview and is returned as it is; each may be nil.
// Other errors are those of [Sweeper.Sweep].
func (s *Sweeper) Preview(ctx context.Context, asOf time.Time, each func(Due) error) (Report, error) {
	if asOf.IsZero() {
		asOf = s.options.Now()
	}
	if each == nil {
		each = func(Due) error { return nil }
	}
	r := s.newRun(asOf, true)
	r.each = each
	return r.take(ctx, r.list)
}
