package dynamo

import (
	"context"
	"time"

	"instances/pkg/instance"
	"instances/pkg/repository"
)

// trashItem is a deleted instance as it is stored: without index keys, so
// that no search finds it.
type trashItem struct {
	instanceItem
	// Deleted is the time of the deletion in milliseconds since 1970.
	Deleted int64 `dynamodbav:"deleted"`
}

// trashKey is the item of an instance that is deleted at that time.
func trashKey(i instance.Instance, at time.Time) itemKey {
	return itemKey{
		trashPartition(i.Kind, shard(i.ID)),
		sortableTime(at.Truncate(time.Millisecond)) + "#" + i.ID + nul + i.Incarnation,
	}
}

// newTrashItem returns i as it is stored when it is deleted at that time.
func newTrashItem(i instance.Instance, at time.Time) trashItem {
	item := trashItem{instanceItem: bareItem(i), Deleted: milli(at)}
	item.itemKey = trashKey(i, at)
	return item
}

// Delete moves the instance to the trash, frees its code and writes the
// history record, all or nothing. What check gets is what is deleted: when
// the instance changes meanwhile, check is asked again. An error of check
// ends the deletion and is returned as it is; check may be nil.
//
// It returns [instance.ErrNotFound] if there is no such instance.
func (r *Repository) Delete(ctx context.Context, key instance.Key, change instance.Change, check func(instance.Instance) error) error {
	for range repository.Attempts(ctx) {
		i, err := r.Get(ctx, key)
		if err != nil {
			return err
		}
		if check != nil {
			if err := check(i); err != nil {
				return err
			}
		}
		if err := r.discard(ctx, i, change); !repository.LostRace(err) {
			return err
		}
	}
	return repository.Busy("delete " + key.String())
}

// discard deletes the instance if it still is what was read.
func (r *Repository) discard(ctx context.Context, i instance.Instance, change instance.Change) error {
	w := r.transaction("delete " + i.Key().String())
	// A heartbeat since would be lost, and changes no version.
	same := unchanged(i).And(timeIs("seen", milli(i.LastSeenAt))).And(timeIs("idle", milli(i.IdleSince)))
	w.remove(itemKey{partition(i.Kind, i.Collection), i.SortKey()}, same, r.changed(ctx, i.Key()))
	w.removePointer(i)
	w.put(newTrashItem(i, change.At), absent(), nil)
	w.freeCode(i)
	w.recordHistory(i, i, change, afterDelete)
	return w.run(ctx)
}
