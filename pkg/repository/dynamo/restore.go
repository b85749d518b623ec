package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/instance"
	"instances/pkg/repository"
)

// Restore brings the instance of the key back that was deleted last, takes
// its code again and writes the history record, all or nothing. It returns
// what it stored: the next version of the same incarnation. What was idle has
// been so from now on.
//
// It returns [instance.ErrNotFound] if none is in the trash,
// [instance.ErrExists] if the id was taken since, and [instance.ErrCodeTaken]
// if the code was.
func (r *Repository) Restore(ctx context.Context, key instance.Key, change instance.Change) (instance.Instance, error) {
	for attempt := 0; ; attempt++ {
		trash, err := r.findTrash(ctx, key)
		if err != nil {
			return instance.Instance{}, err
		}
		i := trash.instance(key.Kind)
		if err := r.enter(ctx, key.Kind, key.Collection); err != nil {
			return instance.Instance{}, fmt.Errorf("restore %s: %w", key, err)
		}
		restored, err := r.bringBack(ctx, i, trash.itemKey, change)
		if !errors.Is(err, instance.ErrConflict) || errors.Is(err, instance.ErrUnavailable) {
			return restored, err
		}
		if attempt >= maxAttempts {
			return instance.Instance{}, unavailable("restore "+key.String(), err)
		}
		if err := repository.Backoff(ctx, attempt); err != nil {
			return instance.Instance{}, fmt.Errorf("restore %s: %w", key, err)
		}
	}
}

// findTrash returns the instance of the key that was deleted last. It reads
// the shard of the key from its end, so that it costs what was deleted in
// that shard since.
func (r *Repository) findTrash(ctx context.Context, key instance.Key) (trashItem, error) {
	if !valid(key) {
		return trashItem{}, instance.ErrNotFound
	}
	filter := expression.Name("col").Equal(expression.Value(key.Collection)).
		And(expression.Name("id").Equal(expression.Value(key.ID)))
	var found *trashItem
	err := r.query(ctx, expression.Key("pk").Equal(expression.Value(trashPartition(key.Kind, shard(key.ID)))), &filter,
		func(in *dynamodb.QueryInput) {
			in.ConsistentRead, in.ScanIndexForward = aws.Bool(true), aws.Bool(false)
		},
		func(items []map[string]types.AttributeValue) error {
			if len(items) == 0 {
				return nil
			}
			found = new(trashItem)
			if err := attributevalue.UnmarshalMap(items[0], found); err != nil {
				return fmt.Errorf("decode: %w", err)
			}
			return errEnough
		})
	if err := enough(err); err != nil {
		return trashItem{}, fmt.Errorf("restore %s: %w", key, err)
	}
	if found == nil {
		return trashItem{}, instance.ErrNotFound
	}
	return *found, nil
}

// bringBack stores a deleted instance again. It returns
// [instance.ErrConflict] if it is no longer in the trash.
func (r *Repository) bringBack(ctx context.Context, before instance.Instance, trash itemKey, change instance.Change) (instance.Instance, error) {
	after := before
	after.Version, after.UpdatedAt = before.Version+1, change.At.UTC().Truncate(time.Millisecond)
	if !before.IdleSince.IsZero() {
		after.IdleSince = after.UpdatedAt
	}
	item, err := newItem(after)
	if err != nil {
		return instance.Instance{}, fmt.Errorf("restore %s: %w", before.Key(), err)
	}
	w := newWrite("restore " + before.Key().String())
	put, err := w.put(r, item, absent())
	if err != nil {
		return instance.Instance{}, err
	}
	pointer, err := w.putPointer(r, after)
	if err != nil {
		return instance.Instance{}, err
	}
	guard, err := w.takeCode(r, after)
	if err != nil {
		return instance.Instance{}, err
	}
	gone, err := w.remove(r, trash, expression.AttributeExists(expression.Name("pk")))
	if err != nil {
		return instance.Instance{}, err
	}
	if err := w.recordHistory(r, after, after, change, afterWrite); err != nil {
		return instance.Instance{}, err
	}
	err = w.run(ctx, r)
	no, ok := errors.AsType[*refusal](err)
	switch {
	case err == nil:
		return after, nil
	case !ok:
		return instance.Instance{}, err
	}
	for _, taken := range []int{put, pointer} {
		if _, ok := no.failed(taken); ok {
			return instance.Instance{}, instance.ErrExists
		}
	}
	if _, ok := no.failed(gone); ok {
		return instance.Instance{}, instance.ErrConflict
	}
	if _, ok := no.failed(guard); ok {
		return instance.Instance{}, instance.ErrCodeTaken
	}
	return instance.Instance{}, fmt.Errorf("%s: %w", w.operation, err)
}
