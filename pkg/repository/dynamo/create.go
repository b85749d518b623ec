package dynamo

import (
	"context"

	"instances/pkg/instance"
)

// Create implements [instance.Creator] as one transaction, and enters the
// collection in the directory first if this process has not done so recently.
func (r *Repository) Create(ctx context.Context, i instance.Instance, change instance.Change, record *instance.Idempotency) error {
	w := r.write(ctx, "create "+i.Key().String())
	w.recordAnswer(record, i)
	w.putInstance(i)
	w.moveCode(ctx, instance.Instance{}, i, false)
	w.keepNames(nil, w.nameRows(i))
	w.recordHistory(instance.Instance{}, i, change, afterWrite)
	w.enter(ctx, i.Key())
	return w.run(ctx)
}

// putInstance stores a new instance and its pointer. It is refused with
// [instance.ErrExists].
func (w *transaction) putInstance(i instance.Instance) {
	stored, err := newItem(i, w.layout)
	w.fail(err)
	w.put(stored, absent(), is(instance.ErrExists))
	w.putPointer(i)
}
