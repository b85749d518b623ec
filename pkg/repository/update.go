package repository

import (
	"context"
	"errors"
	"reflect"

	"instances/pkg/instance"
)

// Writer is what [Update] and [Delete] need of a repository.
type Writer interface {
	instance.Getter
	instance.Replacer
	instance.Repeater
	// Record stores the record of a write that changes nothing of i. It returns
	// [instance.ErrTooLarge] or an [*instance.RepeatedError].
	Record(ctx context.Context, record instance.Idempotency, i instance.Instance) error
}

// Update is the Update of an [instance.Updater]: it reads the instance, lets
// modify change it, and writes it, for as many [Attempts] as it takes to be first.
func Update(ctx context.Context, w Writer, key instance.Key, change instance.Change, record *instance.Idempotency,
	modify func(instance.Instance) (instance.Instance, error),
) (instance.Instance, error) {
	for range Attempts(ctx) {
		var after instance.Instance
		before, err := read(ctx, w, key, record, func(i instance.Instance) (err error) {
			after, err = modify(i)
			return err
		})
		if err != nil {
			return instance.Instance{}, err
		}
		if reflect.DeepEqual(before, after) {
			if record != nil {
				if err := w.Record(ctx, *record, before); err != nil {
					return instance.Instance{}, err
				}
			}
			return before, nil
		}
		stored, err := w.Replace(ctx, before, after, change, record)
		if errors.Is(err, instance.ErrTooLarge) {
			return instance.Instance{}, refuse(ctx, w, record, err)
		}
		if !LostRace(err) {
			return stored, err
		}
	}
	return instance.Instance{}, Busy("update " + key.String())
}

// Delete is the Delete of an [instance.Deleter]: it reads the instance, lets check
// judge it, and discards it, for as many [Attempts] as it takes to be first.
// Discard deletes the instance, and stores the record, if it still is as it was
// read; otherwise it returns [instance.ErrConflict].
func Delete(ctx context.Context, w Writer, key instance.Key, record *instance.Idempotency,
	check, discard func(instance.Instance) error,
) error {
	for range Attempts(ctx) {
		i, err := read(ctx, w, key, record, check)
		if err != nil {
			return err
		}
		if err := discard(i); !LostRace(err) {
			return err
		}
	}
	return Busy("delete " + key.String())
}

// read reads the instance that a write is about and lets judge, unless it is nil,
// forbid the write.
func read(ctx context.Context, w Writer, key instance.Key, record *instance.Idempotency,
	judge func(instance.Instance) error,
) (instance.Instance, error) {
	i, err := w.Get(ctx, key)
	switch {
	case errors.Is(err, instance.ErrNotFound):
		return i, refuse(ctx, w, record, err)
	case err != nil || judge == nil:
		return i, err
	}
	if err := judge(i); err != nil {
		return i, refuse(ctx, w, record, err)
	}
	return i, nil
}

// refuse returns the error of a write that reason forbids: reason, unless the
// write was made before. Only then is the record read, so that a write that
// succeeds costs no more.
func refuse(ctx context.Context, w Writer, record *instance.Idempotency, reason error) error {
	if record != nil {
		if err := w.Recorded(ctx, *record); err != nil {
			return err
		}
	}
	return reason
}
