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
// taken for a typing mistake.
const MinRetention = 24 * time.Hour

// By is who purges and deletes in the history of an instance, where nobody
// else is named. No key can have this name.
const By = "(cleanup)"

// Options are the settings of a [Sweeper]. All fields but Timekeeper and Idle
// are required.
type Options struct {
	Repository Repository
	// Timekeeper tells a clock that has jumped; nil trusts the clock.
	Timekeeper Timekeeper
	// Kinds are those whose deleted instances are purged, and which are tidied.
	Kinds []instance.Kind
	// Retention is how long a deleted instance can be restored, and how long
	// a revoked or expired key is kept: at least [MinRetention].
	Retention time.Duration
	// Idle are the rules by which idle instances are deleted.
	Idle []IdleRule
	// Now is the clock that decides what is due.
	Now func() time.Time
	// Logger gets one line per run, and at debug level one for each thing.
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
	s := &Sweeper{options: o}
	for _, rule := range o.Idle {
		if rule.After != 0 {
			s.steps = append(s.steps, step{"delete idle " + rule.Kind.Name + " instances", rule.due})
		}
	}
	s.steps = append(s.steps, step{"tidy up", leftovers}, step{"purge ended keys", endedKeys})
	for _, kind := range o.Kinds {
		s.steps = append(s.steps, step{"purge deleted " + kind.Name + " instances", deletedOf(kind)})
	}
	return s, nil
}

// tooShort returns an error that names the setting if it is under
// [MinRetention].
func tooShort(what string, d time.Duration) error {
	if d >= MinRetention {
		return nil
	}
	return fmt.Errorf("%s is %v, probably a typo: want at least %v", what, d, MinRetention)
}
