package dynamo

import (
	"context"
	"errors"
	"fmt"

	"instances/pkg/instance"
)

// Create stores a new instance, takes its code and writes its history record
// and, where given, its idempotency record, all or nothing. The instance is
// stored as it is given; the caller sets its version, incarnation and times.
//
// It returns an [*instance.RepeatedError] if the idempotency key was used and
// has not expired, else [instance.ErrExists], else [instance.ErrCodeTaken];
// [instance.ErrTooLarge] for an instance or an answer that is too large.
func (r *Repository) Create(ctx context.Context, i instance.Instance, change instance.Change, idem *instance.Idempotency) error {
	item, err := newItem(i)
	if err != nil {
		return fmt.Errorf("create %s: %w", i.Key(), err)
	}
	if err := r.enter(ctx, i.Kind, i.Collection); err != nil {
		return fmt.Errorf("create %s: %w", i.Key(), err)
	}
	w := newWrite("create " + i.Key().String())
	record, err := w.recordIdempotency(r, idem)
	if err != nil {
		return fmt.Errorf("create %s: %w", i.Key(), err)
	}
	put, err := w.put(r, item, absent())
	if err != nil {
		return err
	}
	pointer, err := w.putPointer(r, i)
	if err != nil {
		return err
	}
	guard, err := w.takeCode(r, i)
	if err != nil {
		return err
	}
	if err := w.recordHistory(r, instance.Instance{}, i, change, afterWrite); err != nil {
		return err
	}
	err = w.run(ctx, r)
	no, ok := errors.AsType[*refusal](err)
	if !ok {
		return err
	}
	if there, ok := no.failed(record); ok {
		return repeated(idem, there)
	}
	for _, taken := range []int{put, pointer} {
		if _, ok := no.failed(taken); ok {
			return instance.ErrExists
		}
	}
	if _, ok := no.failed(guard); ok {
		return instance.ErrCodeTaken
	}
	return err
}
