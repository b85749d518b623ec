package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/instance"
	"instances/pkg/repository"
)

// Touch implements [instance.Toucher] with one write and no transaction, which
// may be repeated after a lost response: the second finds the time there. There
// is a second write only where one of the two times is as late already and the
// other is not. The index of what is idle changes once a day.
func (r *Repository) Touch(ctx context.Context, key instance.Key, at time.Time) error {
	if _, err := r.layout(ctx); err != nil {
		return fmt.Errorf("touch %s: %w", key, err)
	}
	item, err := r.find(ctx, key)
	if err != nil {
		return fmt.Errorf("touch %s: %w", key, err)
	}
	if milli(at) == 0 {
		_, err := r.Get(ctx, key)
		return err
	}
	behind := []string{"seen", "idle"}
	for range repository.Attempts(ctx) {
		if behind, err = r.touch(ctx, key, item, behind, at); err != nil {
			return fmt.Errorf("touch %s: %w", key, err)
		}
		if len(behind) == 0 {
			return nil
		}
	}
	return repository.Busy("touch " + key.String())
}

// touch sets the times to at if all of them are earlier, or later than now, and
// otherwise returns those that are.
func (r *Repository) touch(ctx context.Context, key instance.Key, item itemKey, times []string, at time.Time) (behind []string, err error) {
	// What a clock that was ahead has left is later than both.
	future := max(milli(at), milli(r.now()))
	ms := expression.Value(milli(at))
	var set expression.UpdateBuilder
	stale := expression.AttributeExists(expression.Name("pk"))
	for _, name := range times {
		attribute := expression.Name(name)
		set = set.Set(attribute, ms)
		stale = stale.And(expression.AttributeNotExists(attribute).
			Or(attribute.LessThan(ms), attribute.GreaterThan(expression.Value(future))))
		if name == "idle" {
			set = set.Set(expression.Name("ipk"), expression.Value(idlePartition(key.Kind, shard(key.ID)))).
				Set(expression.Name("isk"), expression.Value(day(at)))
		}
	}
	e, err := expression.NewBuilder().WithUpdate(set).WithCondition(stale).Build()
	if err != nil {
		return nil, fmt.Errorf("build update: %w", err)
	}
	_, err = r.updateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &r.table, Key: item.attributes(),
		UpdateExpression: e.Update(), ConditionExpression: e.Condition(),
		ExpressionAttributeNames: e.Names(), ExpressionAttributeValues: e.Values(),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		ReturnConsumedCapacity:              types.ReturnConsumedCapacityTotal,
	})
	refused, ok := errors.AsType[*types.ConditionalCheckFailedException](err)
	if !ok {
		return nil, err
	}
	if len(refused.Item) == 0 {
		return nil, instance.ErrNotFound
	}
	stored, err := decode[instanceItem](refused.Item)
	if err != nil {
		return nil, err
	}
	for name, ms := range map[string]int64{"seen": stored.Seen, "idle": stored.Idle} {
		if ms < milli(at) || ms > future {
			behind = append(behind, name)
		}
	}
	return behind, nil
}
