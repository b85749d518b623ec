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
)

// Touch notes that the instance was heard of: LastSeenAt becomes at, to the
// millisecond, unless it is as late already. Nothing else changes, neither
// version nor update time, no index, and there is no history record. It
// returns [instance.ErrNotFound].
//
// It is one write outside of a transaction, which may be repeated after a lost
// response: the second time finds the time there.
func (r *Repository) Touch(ctx context.Context, key instance.Key, at time.Time) error {
	item, err := r.find(ctx, key)
	if err != nil {
		return fmt.Errorf("touch %s: %w", key, err)
	}
	seen, ms := expression.Name("seen"), expression.Value(milli(at))
	e, err := expression.NewBuilder().
		WithUpdate(expression.Set(seen, ms)).
		WithCondition(expression.AttributeExists(expression.Name("pk")).
			And(expression.AttributeNotExists(seen).Or(seen.LessThan(ms)))).
		Build()
	if err != nil {
		return fmt.Errorf("build update: %w", err)
	}
	_, err = r.updateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &r.table, Key: item.attributes(),
		UpdateExpression: e.Update(), ConditionExpression: e.Condition(),
		ExpressionAttributeNames: e.Names(), ExpressionAttributeValues: e.Values(),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
		ReturnConsumedCapacity:              types.ReturnConsumedCapacityTotal,
	})
	if refused, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		if len(refused.Item) > 0 {
			return nil
		}
		err = instance.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("touch %s: %w", key, err)
	}
	return nil
}
