package dynamo

import (
	"context"

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
	w := r.transaction("create " + i.Key().String())
	w.recordIdempotency(idem)
	w.putInstance(i)
	w.takeCode(i)
	w.recordHistory(instance.Instance{}, i, change, afterWrite)
	w.enter(ctx, i.Key())
	return w.run(ctx)
}

// putInstance stores a new instance and its pointer. It is refused with
// [instance.ErrExists].
func (w *transaction) putInstance(i instance.Instance) {
	stored, err := newItem(i)
	w.fail(err)
	w.put(stored, absent(), is(instance.ErrExists))
	w.putPointer(i)
}
