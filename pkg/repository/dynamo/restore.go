package dynamo

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"instances/pkg/instance"
	"instances/pkg/repository"
)

// Restore implements [instance.Restorer] with a query and a transaction.
func (r *Repository) Restore(ctx context.Context, key instance.Key, change instance.Change) (instance.Instance, error) {
	for range repository.Attempts(ctx) {
		trash, err := r.findTrash(ctx, key)
		if err != nil {
			return instance.Instance{}, err
		}
		restored, err := r.bringBack(ctx, trash.instance(key.Kind), trash.itemKey, change)
		if !repository.LostRace(err) {
			return restored, err
		}
	}
	return instance.Instance{}, repository.Busy("restore " + key.String())
}

// findTrash returns the instance with the key that was deleted last. It reads the
// key's shard from its end, and so costs what has been deleted there since.
func (r *Repository) findTrash(ctx context.Context, key instance.Key) (trashItem, error) {
	if !valid(key) {
		return trashItem{}, instance.ErrNotFound
	}
	filter := expression.Name("col").Equal(expression.Value(key.Collection)).
		And(expression.Name("id").Equal(expression.Value(key.ID)))
	pages := r.query(ctx, within("pk", trashPartition(key.Kind, shard(key.ID)), "", ""), &filter,
		func(in *dynamodb.QueryInput) {
			in.ConsistentRead, in.ScanIndexForward = aws.Bool(true), aws.Bool(false)
		})
	for found, err := range each(pages, decode[trashItem]) {
		if err != nil {
			return trashItem{}, fmt.Errorf("restore %s: %w", key, err)
		}
		return found, nil
	}
	return trashItem{}, instance.ErrNotFound
}

// bringBack stores a deleted instance again. It returns [instance.ErrConflict] if
// that is no longer in the trash.
func (r *Repository) bringBack(ctx context.Context, before instance.Instance, trash itemKey, change instance.Change) (instance.Instance, error) {
	after := before
	after.Version, after.UpdatedAt = before.Version+1, change.At.UTC().Truncate(time.Millisecond)
	if !before.IdleSince.IsZero() {
		after.IdleSince = after.UpdatedAt
	}
	w := r.write(ctx, "restore "+before.Key().String())
	w.putInstance(after)
	w.remove(trash, expression.AttributeExists(expression.Name("pk")), is(instance.ErrConflict))
	w.moveCode(ctx, instance.Instance{}, after, false)
	w.keepNames(nil, w.nameRows(after))
	w.recordHistory(after, after, change, afterWrite)
	w.enter(ctx, before.Key())
	if err := w.run(ctx); err != nil {
		return instance.Instance{}, err
	}
	return after, nil
}
