package repository

import (
	"context"
	"reflect"

	"instances/pkg/instance"
)

// Replacer is what [Update] needs of a repository.
type Replacer interface {
	// Get returns the instance, or [instance.ErrNotFound].
	Get(ctx context.Context, key instance.Key) (instance.Instance, error)
	// Replace writes after in place of before if the instance still is what
	// before says, and returns what it stored; see the repositories.
	Replace(ctx context.Context, before, after instance.Instance, change instance.Change) (instance.Instance, error)
}

// Update reads the instance, lets modify change it, and writes it if nobody
// else did meanwhile; otherwise it does so again, with full jitter, for as
// long as the deadline of ctx allows, then returns [instance.ErrUnavailable]
// with nothing written. It returns the instance as stored. A change of
// nothing is not written. An error of modify ends the update and is returned
// as it is.
func Update(ctx context.Context, r Replacer, key instance.Key, change instance.Change,
	modify func(instance.Instance) (instance.Instance, error),
) (instance.Instance, error) {
	for range Attempts(ctx) {
		before, err := r.Get(ctx, key)
		if err != nil {
			return instance.Instance{}, err
		}
		after, err := modify(before)
		if err != nil {
			return instance.Instance{}, err
		}
		if reflect.DeepEqual(before, after) {
			return before, nil
		}
		if stored, err := r.Replace(ctx, before, after, change); !LostRace(err) {
			return stored, err
		}
	}
	return instance.Instance{}, Busy("update " + key.String())
}
