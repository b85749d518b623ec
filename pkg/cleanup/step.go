package cleanup

import (
	"context"
	"errors"
	"iter"
	"time"

	"instances/pkg/auth"
	"instances/pkg/instance"
)

const (
	// unusedAfter is how long a collection is listed without an instance
	// before it is forgotten: far longer than a create takes.
	unusedAfter = 24 * time.Hour
	// batch is how many expired records are removed in one transaction.
	batch = 1000
)

// step is one sort of work of a run.
type step struct {
	// name says what the step does, for reports and errors.
	name string
	// sweep does the work, preview tells of it.
	sweep, preview work
}

// thing is what is due, and how it is removed.
type thing struct {
	Due
	remove func(context.Context) error
}

// errChanged says that a thing is no longer what was read.
var errChanged = errors.New("changed since it was read")

// stepOf is a step that removes one thing after the other.
func stepOf(name string, due func(context.Context, *run) iter.Seq2[thing, error]) step {
	return step{
		name:    name,
		sweep:   func(ctx context.Context, r *run) error { return r.removeEach(ctx, due(ctx, r)) },
		preview: func(ctx context.Context, r *run) error { return r.tellEach(due(ctx, r)) },
	}
}

// things makes things of what a repository yields.
func things[T any](found iter.Seq2[T, error], of func(T) thing) iter.Seq2[thing, error] {
	return func(yield func(thing, error) bool) {
		for t, err := range found {
			if err != nil {
				yield(thing{}, err)
				return
			}
			if !yield(of(t), nil) {
				return
			}
		}
	}
}

// idleStep deletes the instances that a rule is about, if they are still the
// same and have not been heard of since.
func (s *Sweeper) idleStep(rule IdleRule) step {
	return stepOf("delete idle "+rule.Kind.Name+" instances", func(ctx context.Context, r *run) iter.Seq2[thing, error] {
		found := s.options.Repository.Idle(ctx, rule.Kind, r.asOf.Add(-rule.After))
		return things(found, func(i instance.Instance) thing {
			return thing{r.due(IdleInstance, i.Key(), i.Owner, i.Name, i.IdleSince), func(ctx context.Context) error {
				err := s.options.Repository.Delete(ctx, i.Key(), r.change("delete"), func(now instance.Instance) error {
					if now.Revision() != i.Revision() || !now.IdleSince.Equal(i.IdleSince) {
						return errChanged
					}
					return nil
				})
				return changedIf(err, instance.ErrNotFound)
			}}
		})
	})
}

// collectionsStep forgets the unused collections of a kind.
func (s *Sweeper) collectionsStep(kind instance.Kind) step {
	return stepOf("forget unused "+kind.Name+" collections", func(ctx context.Context, r *run) iter.Seq2[thing, error] {
		found := s.options.Repository.UnusedCollections(ctx, kind, r.asOf.Add(-unusedAfter))
		return things(found, func(u instance.Unused) thing {
			key := instance.Key{Kind: u.Kind, ID: u.Collection}
			return thing{r.due(UnusedCollection, key, "", "", u.EnteredAt), func(ctx context.Context) error {
				return changedIf(s.options.Repository.ForgetCollection(ctx, u), instance.ErrConflict)
			}}
		})
	})
}

// keysStep removes the keys that ended before the retention.
func (s *Sweeper) keysStep() step {
	return stepOf("purge ended keys", func(ctx context.Context, r *run) iter.Seq2[thing, error] {
		found := s.options.Repository.EndedCredentials(ctx, r.asOf.Add(-s.options.Retention))
		return things(found, func(c auth.Credential) thing {
			return thing{r.due(EndedKey, instance.Key{ID: c.Name}, c.Owner, "", c.EndedAt()), func(ctx context.Context) error {
				return changedIf(s.options.Repository.PurgeCredential(ctx, c), auth.ErrNoCredential)
			}}
		})
	})
}

// trashStep purges the instances of a kind that were deleted before the
// retention.
func (s *Sweeper) trashStep(kind instance.Kind) step {
	return stepOf("purge deleted "+kind.Name+" instances", func(ctx context.Context, r *run) iter.Seq2[thing, error] {
		found := s.options.Repository.Deleted(ctx, kind, r.asOf.Add(-s.options.Retention))
		return things(found, func(d instance.Deleted) thing {
			return thing{r.due(DeletedInstance, d.Key(), d.Owner, d.Name, d.DeletedAt), func(ctx context.Context) error {
				return changedIf(s.options.Repository.Purge(ctx, d, r.change("purge")), instance.ErrNotFound)
			}}
		})
	})
}

// recordsStep removes the records that have expired, many at once.
func (s *Sweeper) recordsStep() step {
	return step{
		name: "purge expired records",
		sweep: func(ctx context.Context, r *run) error {
			for !r.late() {
				removed, err := s.options.Repository.PurgeExpired(ctx, r.asOf, batch)
				r.report.countExpired(removed)
				if err != nil || removed.Total() < batch {
					return err
				}
			}
			return nil
		},
		preview: func(ctx context.Context, r *run) error {
			if r.late() {
				return nil
			}
			expired, err := s.options.Repository.CountExpired(ctx, r.asOf)
			if err != nil || expired.Total() == 0 {
				return err
			}
			r.report.countExpired(expired)
			due := r.due(ExpiredRecords, instance.Key{}, "", "", expired.Oldest)
			due.Idempotency, due.History = expired.Idempotency, expired.History
			return r.tell(due)
		},
	}
}

// changedIf returns err, or errChanged where err is changed: what a repository
// answers when a thing is no longer what was read.
func changedIf(err, changed error) error {
	if errors.Is(err, changed) {
		return errChanged
	}
	return err
}
