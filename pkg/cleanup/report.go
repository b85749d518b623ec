package cleanup

import (
	"log/slog"
	"time"

	"instances/pkg/repository/capacity"
)

// Report says what a run did, or what one would do.
type Report struct {
	// DryRun says that nothing was changed: the counts are of what is due.
	DryRun bool `json:"dryRun"`
	// AsOf is the time that decided what is due, in UTC.
	AsOf time.Time `json:"asOf"`
	// IdleDeleted counts the idle instances that were moved to the trash, by
	// the names of the kinds that have a rule for it.
	IdleDeleted map[string]int `json:"idleDeleted"`
	// Tidied counts the leftovers that were removed: records that had expired on
	// the embedded database, collections without an instance on DynamoDB.
	Tidied int `json:"tidied"`
	// KeysPurged counts the ended keys that were removed for good.
	KeysPurged int `json:"keysPurged"`
	// DeletedPurged counts the deleted instances that were removed for good,
	// by the names of their kinds.
	DeletedPurged map[string]int `json:"deletedPurged"`
	// LeftAlone counts what changed after it was read, and so stays.
	LeftAlone int `json:"leftAlone"`
	// Failed counts what could not be removed; the errors say why.
	Failed int `json:"failed"`
	// Complete says that every step has finished, though perhaps with errors.
	// Otherwise Stopped names those that ran out of time and those that did not
	// begin: the next run continues there.
	Complete bool     `json:"complete"`
	Stopped  []string `json:"stopped,omitempty"`
	// Warning says that the clock may be wrong, and what was not removed
	// because of that; see [Sweeper.Sweep].
	Warning string `json:"warning,omitempty"`
	// Calls, ReadUnits and WriteUnits are what the run consumed of the
	// database; see [capacity.Consumed].
	Calls      int     `json:"databaseCalls"`
	ReadUnits  float64 `json:"readUnits"`
	WriteUnits float64 `json:"writeUnits"`
}

// newReport returns one in which every count is 0.
func (s *Sweeper) newReport(asOf time.Time, dryRun bool) Report {
	r := Report{DryRun: dryRun, AsOf: asOf.UTC(), IdleDeleted: map[string]int{}, DeletedPurged: map[string]int{}}
	for _, rule := range s.options.Idle {
		if rule.After != 0 {
			r.IdleDeleted[rule.Kind.Name] = 0
		}
	}
	for _, kind := range s.options.Kinds {
		r.DeletedPurged[kind.Name] = 0
	}
	return r
}

// count adds n things like d that are due, or were removed.
func (r *Report) count(d Due, n int) {
	switch d.What {
	case IdleInstance:
		r.IdleDeleted[d.Kind.Name] += n
	case Leftover:
		r.Tidied += n
	case EndedKey:
		r.KeysPurged += n
	case DeletedInstance:
		r.DeletedPurged[d.Kind.Name] += n
	}
}

// consume adds what calls consumed.
func (r *Report) consume(c capacity.Consumed) {
	r.Calls += c.Calls
	r.ReadUnits += c.ReadUnits
	r.WriteUnits += c.WriteUnits
}

// attributes returns the report for the log.
func (r *Report) attributes() []slog.Attr {
	return []slog.Attr{
		slog.Bool("dry_run", r.DryRun),
		slog.Time("as_of", r.AsOf),
		slog.Any("idle_deleted", r.IdleDeleted),
		slog.Int("tidied", r.Tidied),
		slog.Int("keys_purged", r.KeysPurged),
		slog.Any("deleted_purged", r.DeletedPurged),
		slog.Int("left_alone", r.LeftAlone),
		slog.Int("failed", r.Failed),
		slog.Bool("complete", r.Complete),
		slog.Any("stopped", r.Stopped),
		slog.Int("db_calls", r.Calls),
		slog.Float64("read_units", r.ReadUnits),
		slog.Float64("write_units", r.WriteUnits),
	}
}
