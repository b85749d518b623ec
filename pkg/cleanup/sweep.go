package cleanup

import (
	"context"
	"time"

	"instances/pkg/instance"
)

// Sweep does all that is due now. Of by, the names and the request id are told
// in the history of each instance that is purged or deleted; without a name it
// is [By]. The report is valid with an error too.
//
// The error joins those of all steps; it is [ErrNoTime] when the deadline of
// ctx was too close to begin. To stop before the deadline is no error.
func (s *Sweeper) Sweep(ctx context.Context, by instance.Change) (Report, error) {
	if by.By == "" {
		by.By = By
	}
	if by.Owner == "" {
		by.Owner = by.By
	}
	asOf := s.options.Now()
	r := &run{options: s.options, asOf: asOf, report: s.newReport(asOf, false), by: by}
	return r.run(ctx, s.steps, func(st step) work { return st.sweep })
}

// Preview calls each with all that would be due at that time, which may be in
// the future, or is now where it is zero, if nothing happened until then. It
// changes nothing. An error of each ends the preview and is returned as it is;
// each may be nil. Other errors are as with [Sweeper.Sweep].
func (s *Sweeper) Preview(ctx context.Context, asOf time.Time, each func(Due) error) (Report, error) {
	if asOf.IsZero() {
		asOf = s.options.Now()
	}
	if each == nil {
		each = func(Due) error { return nil }
	}
	r := &run{options: s.options, asOf: asOf, report: s.newReport(asOf, true), each: each}
	return r.run(ctx, s.steps, func(st step) work { return st.preview })
}
