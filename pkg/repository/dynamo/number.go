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

// counter holds the last number of a kind.
type counter struct {
	Number int64 `dynamodbav:"n"`
	// Opened is the last block that was entered in the directory.
	Opened string `dynamodbav:"opened"`
}

// NextNumber implements [instance.Numberer] with one write, or three for the
// first number of a block. The block is in the directory before it returns.
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

// ReserveNumbers implements [instance.NumberReserver] with one write.
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
	// It is as great already.
	if _, ok := errors.AsType[*types.ConditionalCheckFailedException](err); ok {
		return nil
	}
	return err
}

// updateCounter changes the counter of the kind, without a transaction so that
// many changes at once do not conflict. Repeating it after a lost response leaves
// a gap.
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

// updateItem changes one item without a transaction. It may take effect more
// than once.
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

// open enters a block in the directory, and records that in the counter so that
// the other numbers of the block need no such call. It enters the block before it
// again: until now the counter has kept it there, and some of its numbers may not
// have been used yet.
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
