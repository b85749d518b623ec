package dynamo

import (
	"context"
	"errors"
	"fmt"
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
	for attempt := 0; ; attempt++ {
		i, err := r.Get(ctx, key)
		if err != nil {
			return err
		}
		if check != nil {
			if err := check(i); err != nil {
				return err
			}
		}
		if err := r.discard(ctx, i, change); !errors.Is(err, instance.ErrConflict) || errors.Is(err, instance.ErrUnavailable) {
			return err
		}
		if attempt >= maxAttempts {
			return unavailable("delete "+key.String(), instance.ErrConflict)
		}
		if err := repository.Backoff(ctx, attempt); err != nil {
			return fmt.Errorf("delete %s: %w", key, err)
		}
	}
}

// discard deletes the instance if it still is what was read.
func (r *Repository) discard(ctx context.Context, i instance.Instance, change instance.Change) error {
	w := newWrite("delete " + i.Key().String())
	moved, err := w.remove(r, itemKey{partition(i.Kind, i.Collection), i.SortKey()}, unchanged(i).
		// A heartbeat since would be lost, and changes no version.
		And(timeIs("seen", milli(i.LastSeenAt))).And(timeIs("idle", milli(i.IdleSince))))
	if err != nil {
		return err
	}
	if err := w.removePointer(r, i); err != nil {
		return err
	}
	if _, err := w.put(r, newTrashItem(i, change.At), absent()); err != nil {
		return err
	}
	if err := w.freeCode(r, i); err != nil {
		return err
	}
	if err := w.recordHistory(r, i, i, change, afterDelete); err != nil {
		return err
	}
	err = w.run(ctx, r)
	no, ok := errors.AsType[*refusal](err)
	if !ok {
		return err
	}
	if there, ok := no.failed(moved); ok {
		return r.lost(ctx, i.Key(), len(there) > 0)
	}
	return fmt.Errorf("%s: %w", w.operation, err)
}
