package dynamo

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/instance"
)

// counter is the sequence of a kind.
type counter struct {
	Number int64 `dynamodbav:"n"`
	// Opened is the last block that was entered in the directory.
	Opened string `dynamodbav:"opened"`
}

// NextNumber returns the next number of the sequence of the kind: 1 at first,
// then always a greater one. Numbers that are not used leave gaps. The block
// of the number is in the directory of collections before it is returned.
func (r *Repository) NextNumber(ctx context.Context, kind instance.Kind) (int64, error) {
	now := r.now()
	add := expression.Add(expression.Name("n"), expression.Value(1))
	e, err := expression.NewBuilder().WithUpdate(add).Build()
	if err != nil {
		return 0, fmt.Errorf("build update: %w", err)
	}
	out, err := r.updateCounter(ctx, kind, e)
	if err != nil {
		return 0, fmt.Errorf("next number: %w", err)
	}
	c, err := decode[counter](out.Attributes)
	if err != nil {
		return 0, fmt.Errorf("next number: %w", err)
	}
	if block := instance.Block(c.Number); block > c.Opened {
		if err := r.open(ctx, kind, block, c.Opened); err != nil {
			return 0, fmt.Errorf("next number: %w", err)
		}
	} else if block == c.Opened {
		r.directory.learn(directoryKey(kind, block), now)
	}
	return c.Number, nil
}

// ReserveNumbers makes the next number of the kind greater than upTo. It
// never makes it smaller.
func (r *Repository) ReserveNumbers(ctx context.Context, kind instance.Kind, upTo int64) error {
	if upTo < 1 {
		return nil
	}
	if err := r.raise(ctx, kind, "n", upTo); err != nil {
		return fmt.Errorf("reserve numbers: %w", err)
	}
	return nil
}

// raise sets an attribute of the counter to value unless it is greater.
func (r *Repository) raise(ctx context.Context, kind instance.Kind, attribute string, value any) error {
	name := expression.Name(attribute)
	e, err := expression.NewBuilder().
		WithUpdate(expression.Set(name, expression.Value(value))).
		WithCondition(expression.AttributeNotExists(name).Or(name.LessThan(expression.Value(value)))).
		Build()
	if err != nil {
		return fmt.Errorf("build update: %w", err)
	}
	_, err = r.updateCounter(ctx, kind, e)
	// Then it is as great already.
	if _, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return nil
	}
	return err
}

// updateCounter changes the sequence of the kind, outside of a transaction:
// many at once then do not meet in conflicts. A change that is repeated after
// a lost response leaves a gap.
func (r *Repository) updateCounter(ctx context.Context, kind instance.Kind, e expression.Expression) (*dynamodb.UpdateItemOutput, error) {
	in := &dynamodb.UpdateItemInput{
		TableName: &r.table, Key: counterKey(kind).attributes(),
		UpdateExpression: e.Update(), ConditionExpression: e.Condition(),
		ExpressionAttributeNames: e.Names(), ExpressionAttributeValues: e.Values(),
		ReturnValues:           types.ReturnValueAllNew,
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	}
	return r.updateItem(ctx, in)
}

// updateItem changes one item outside of a transaction. It may take effect
// more than once.
func (r *Repository) updateItem(ctx context.Context, in *dynamodb.UpdateItemInput) (*dynamodb.UpdateItemOutput, error) {
	return retry(ctx, r, "UpdateItem", false,
		func(ctx context.Context) (*dynamodb.UpdateItemOutput, *types.ConsumedCapacity, error) {
			out, err := r.client.UpdateItem(ctx, in, once)
			if err != nil {
				return nil, nil, err
			}
			return out, out.ConsumedCapacity, nil
		})
}

// open enters a block in the directory, and says so in the counter, so that
// the other numbers of the block need no such call. The block that was opened
// before is entered again: until now the counter has kept it there, and
// numbers of it may be on their way.
func (r *Repository) open(ctx context.Context, kind instance.Kind, block, former string) error {
	blocks := []string{block}
	if former != "" {
		blocks = append(blocks, former)
	}
	if err := r.enterAll(ctx, kind, blocks...); err != nil {
		return err
	}
	return r.raise(ctx, kind, "opened", block)
}
