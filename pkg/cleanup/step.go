package cleanup

import (
	"context"
	"errors"
	"iter"

	"instances/pkg/auth"
	"instances/pkg/instance"
)

// batch is how many leftovers are removed in one call.
const batch = 1000

// step is one sort of things that a run removes.
type step struct {
	// name says what the step does, for reports and errors.
	name string
	// due yields what is due, and an error at most once, at the end.
	due func(context.Context, *run) iter.Seq2[thing, error]
}

// thing is something that is due.
type thing interface {
	// describe returns all but its age.
	describe() Due
	// remove removes it if it still is what was read, and returns how many
	// things that were. Otherwise it returns errChanged.
	remove(context.Context, *run) (n int, err error)
}

// errChanged says that a thing is no longer what was read.
var errChanged = errors.New("changed since it was read")

// removed returns 1 for a thing whose removal ended with err, which is changed
// where the thing is no longer what was read.
func removed(err, changed error) (int, error) {
	switch {
	case err == nil:
		return 1, nil
	case errors.Is(err, changed):
		return 0, errChanged
	}
	return 0, err
}

// things yields what is found as things.
func things[T any](found iter.Seq2[T, error], thingOf func(T) thing) iter.Seq2[thing, error] {
	return func(yield func(thing, error) bool) {
		for t, err := range found {
			if !yield(thingOf(t), err) {
				return
			}
		}
	}
}

// idle is an instance that a rule is about.
type idle struct{ instance.Instance }

func (rule IdleRule) due(ctx context.Context, r *run) iter.Seq2[thing, error] {
	return things(r.Repository.Idle(ctx, rule.Kind, r.asOf.Add(-rule.After)), func(i instance.Instance) thing { return idle{i} })
}

func (i idle) describe() Due {
	return Due{What: IdleInstance, Kind: i.Kind, ID: i.ID, Owner: i.Owner, Name: i.Name, Since: i.IdleSince}
}

func (i idle) remove(ctx context.Context, r *run) (int, error) {
	err := r.Repository.Delete(ctx, i.Key(), r.change("delete"), nil, func(now instance.Instance) error {
		if now.Revision() != i.Revision() || !now.IdleSince.Equal(i.IdleSince) {
			return errChanged
		}
		return nil
	})
	return removed(err, instance.ErrNotFound)
}

// leftover is everything that the repository can tidy up.
type leftover struct{ count int }

func leftovers(ctx context.Context, r *run) iter.Seq2[thing, error] {
	return func(yield func(thing, error) bool) {
		if n, err := r.Repository.Tidy(ctx, r.Kinds, r.asOf, 0); n > 0 || err != nil {
			yield(leftover{n}, err)
		}
	}
}

func (l leftover) describe() Due { return Due{What: Leftover, Count: l.count} }

func (leftover) remove(ctx context.Context, r *run) (n int, err error) {
	for full := true; full && err == nil && !r.late(); {
		var some int
		some, err = r.Repository.Tidy(ctx, r.Kinds, r.asOf, batch)
		n, full = n+some, some == batch
	}
	return n, err
}

// ended is a key that was revoked or has expired.
type ended struct{ auth.Credential }

func endedKeys(ctx context.Context, r *run) iter.Seq2[thing, error] {
	return things(r.Repository.EndedCredentials(ctx, r.asOf.Add(-r.Retention)), func(c auth.Credential) thing { return ended{c} })
}

func (c ended) describe() Due {
	return Due{What: EndedKey, ID: c.Name, Owner: c.Owner, Since: c.EndedAt()}
}

func (c ended) remove(ctx context.Context, r *run) (int, error) {
	return removed(r.Repository.PurgeCredential(ctx, c.Credential), auth.ErrNoCredential)
}

// deleted is an instance in the trash.
type deleted struct{ instance.Deleted }

// deletedOf returns what is due in the trash of a kind.
func deletedOf(kind instance.Kind) func(context.Context, *run) iter.Seq2[thing, error] {
	return func(ctx context.Context, r *run) iter.Seq2[thing, error] {
		return things(r.Repository.Deleted(ctx, kind, r.asOf.Add(-r.Retention)), func(d instance.Deleted) thing { return deleted{d} })
	}
}

func (d deleted) describe() Due {
	return Due{What: DeletedInstance, Kind: d.Kind, ID: d.ID, Owner: d.Owner, Name: d.Name, Since: d.DeletedAt}
}

func (d deleted) remove(ctx context.Context, r *run) (int, error) {
	return removed(r.Repository.Purge(ctx, d.Deleted, r.change("purge")), instance.ErrNotFound)
}
