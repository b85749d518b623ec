package repository

import (
	"context"
	"reflect"

	"instances/pkg/instance"
)

// Replacer is what [Update] needs of a repository.
type Replacer interface {
	instance.Getter
	instance.Replacer
}

// Update is the Update of an [instance.Updater]: it reads the instance, lets
// modify change it, and writes it, for as many [Attempts] as it takes to be first.
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
