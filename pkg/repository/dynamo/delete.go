package dynamo

import (
	"context"
	"time"

	"instances/pkg/instance"
	"instances/pkg/repository"
)

// trashItem is a deleted instance as stored: without index keys, so that no
// search finds it.
type trashItem struct {
	instanceItem
	// Deleted is the time of the deletion in milliseconds since 1970.
	Deleted int64 `dynamodbav:"deleted"`
}

// trashKey is the item of an instance deleted at that time.
func trashKey(i instance.Instance, at time.Time) itemKey {
	return itemKey{
		trashPartition(i.Kind, shard(i.ID)),
		sortableTime(at.Truncate(time.Millisecond)) + "#" + i.ID + nul + i.Incarnation,
	}
}

// newTrashItem returns i as stored when it is deleted at that time.
func newTrashItem(i instance.Instance, at time.Time) trashItem {
	item := trashItem{instanceItem: bareItem(i), Deleted: milli(at)}
	item.itemKey = trashKey(i, at)
	return item
}

// Delete implements [instance.Deleter] with [repository.Delete].
func (r *Repository) Delete(ctx context.Context, key instance.Key, change instance.Change, record *instance.Idempotency,
	check func(instance.Instance) error,
) error {
	return repository.Delete(ctx, r, key, record, check, func(i instance.Instance) error {
		return r.discard(ctx, i, change, record)
	})
}

// discard deletes the instance, as one transaction, if it is still as it was read.
func (r *Repository) discard(ctx context.Context, i instance.Instance, change instance.Change, record *instance.Idempotency) error {
	operation := "delete " + i.Key().String()
	return carefully(ctx, operation, func(again bool) error {
		w := r.write(ctx, operation)
		w.recordAnswer(record, i)
		rows, same, refused := w.stored(ctx, i)
		// A later heartbeat, which leaves the version alone, must not get lost.
		same = same.And(timeIs("seen", milli(i.LastSeenAt))).And(timeIs("idle", milli(i.IdleSince)))
		w.remove(itemKey{partition(i.Kind, i.Collection), i.SortKey()}, same, refused)
		w.removePointer(i)
		w.put(newTrashItem(i, change.At), absent(), nil)
		w.moveCode(ctx, i, instance.Instance{}, again)
		w.keepNames(rows, nil)
		w.recordHistory(i, i, change, afterDelete)
		return w.run(ctx)
	})
}
