package cleanup

import (
	"log/slog"
	"time"

	"instances/pkg/instance"
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
	// CollectionsForgotten counts the unused collections that were taken off
	// the list.
	CollectionsForgotten int `json:"collectionsForgotten"`
	// KeysPurged counts the ended keys that were removed for good.
	KeysPurged int `json:"keysPurged"`
	// IdempotencyPurged and HistoryPurged count expired records that were
	// removed. On DynamoDB they are always 0: the table removes them itself.
	IdempotencyPurged int `json:"idempotencyPurged"`
	HistoryPurged     int `json:"historyPurged"`
	// DeletedPurged counts the deleted instances that were removed for good,
	// by the names of their kinds.
	DeletedPurged map[string]int `json:"deletedPurged"`
	// LeftAlone counts what changed after it was read, and so stays.
	LeftAlone int `json:"leftAlone"`
	// Failed counts what could not be removed; the errors tell why.
	Failed int `json:"failed"`
	// Complete says that each step has come to its end, though perhaps with
	// errors. Otherwise Stopped names those that had to stop early for want of
	// time, and those that were not begun: the next run goes on there.
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

// count adds what is due, or was done.
func (r *Report) count(d Due) {
	switch d.What {
	case IdleInstance:
		r.IdleDeleted[d.Kind.Name]++
	case UnusedCollection:
		r.CollectionsForgotten++
	case EndedKey:
		r.KeysPurged++
	case DeletedInstance:
		r.DeletedPurged[d.Kind.Name]++
	}
}

// countExpired adds records that have expired.
func (r *Report) countExpired(e instance.Expired) {
	r.IdempotencyPurged += e.Idempotency
	r.HistoryPurged += e.History
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
		slog.Int("collections_forgotten", r.CollectionsForgotten),
		slog.Int("keys_purged", r.KeysPurged),
		slog.Int("idempotency_purged", r.IdempotencyPurged),
		slog.Int("history_purged", r.HistoryPurged),
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
