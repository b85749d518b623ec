package cleanup

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"instances/pkg/instance"
)

// MinRetention is the shortest time that something is kept before it is
// removed for good, and that an instance is idle before it is deleted: less is
// taken for a mistyped number.
const MinRetention = 24 * time.Hour

// By is who purges and deletes in the history of an instance, where nobody
// else is named. No key can have this name.
const By = "(cleanup)"

// Options are the settings of a [Sweeper]. All fields but Timekeeper, Idle and
// Until are required.
type Options struct {
	Repository Repository
	// Timekeeper tells a clock that has jumped; nil trusts the clock.
	Timekeeper Timekeeper
	// Kinds are those whose deleted instances are purged and whose unused
	// collections are forgotten.
	Kinds []instance.Kind
	// Retention is how long a deleted instance can be restored, and how long
	// a revoked or expired key is kept: at least [MinRetention].
	Retention time.Duration
	// Idle are the rules by which idle instances are deleted.
	Idle []IdleRule
	// Now is the clock that decides what is due.
	Now func() time.Time
	// Until is how long it takes to a deadline of a context; nil means
	// [time.Until].
	Until func(deadline time.Time) time.Duration
	// Logger gets one line per run, and one for each thing at the level of
	// debugging.
	Logger *slog.Logger
}

// IdleRule says when an idle instance of a kind is deleted.
type IdleRule struct {
	Kind instance.Kind
	// After is for how long it is idle then: at least [MinRetention], or 0
	// for never.
	After time.Duration
}

// Sweeper cleans up. It keeps no state and is safe for concurrent use.
type Sweeper struct {
	options Options
	steps   []step
}

// New returns a Sweeper. Its error names each setting that is refused.
func New(o Options) (*Sweeper, error) {
	errs := []error{tooShort("the retention", o.Retention)}
	for _, rule := range o.Idle {
		if rule.After != 0 {
			errs = append(errs, tooShort("the time after which idle "+rule.Kind.Name+" instances are deleted", rule.After))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if o.Until == nil {
		o.Until = time.Until
	}
	s := &Sweeper{options: o}
	for _, rule := range o.Idle {
		if rule.After != 0 {
			s.steps = append(s.steps, s.idleStep(rule))
		}
	}
	for _, kind := range o.Kinds {
		s.steps = append(s.steps, s.collectionsStep(kind))
	}
	s.steps = append(s.steps, s.keysStep(), s.recordsStep())
	for _, kind := range o.Kinds {
		s.steps = append(s.steps, s.trashStep(kind))
	}
	return s, nil
}

// tooShort returns an error that names the setting if it is under
// [MinRetention].
func tooShort(what string, d time.Duration) error {
	if d >= MinRetention {
		return nil
	}
	return fmt.Errorf("%s is %v, which must be mistyped: it is at least %v", what, d, MinRetention)
}
