package dynamo

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// errEnough ends a query: nothing more is wanted. It never leaves the package.
var errEnough = errors.New("enough")

// enough returns err, or nil for errEnough.
func enough(err error) error {
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// within is the key range of a partition, behind a sort key where one is
// given.
func within(pkName, pk, skName, after string) expression.KeyConditionBuilder {
	key := expression.Key(pkName).Equal(expression.Value(pk))
	if after != "" {
		key = key.And(expression.Key(skName).GreaterThan(expression.Value(after)))
	}
	return key
}

// query reads the pages of a key range, one by one, for as long as each
// returns nil; its error is returned as it is. Before each page, tune may
// change what is asked for. There are no more pages than the range has.
func (r *Repository) query(ctx context.Context, key expression.KeyConditionBuilder, filter *expression.ConditionBuilder,
	tune func(*dynamodb.QueryInput), each func([]map[string]types.AttributeValue) error,
) error {
	builder := expression.NewBuilder().WithKeyCondition(key)
	if filter != nil {
		builder = builder.WithFilter(*filter)
	}
	e, err := builder.Build()
	if err != nil {
		return fmt.Errorf("build query: %w", err)
	}
	in := &dynamodb.QueryInput{
		TableName: &r.table, KeyConditionExpression: e.KeyCondition(), FilterExpression: e.Filter(),
		ExpressionAttributeNames: e.Names(), ExpressionAttributeValues: e.Values(),
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	}
	return r.pages(ctx, "Query", func(start map[string]types.AttributeValue) sendPage {
		in.ExclusiveStartKey = start
		tune(in)
		return func(ctx context.Context) (page, *types.ConsumedCapacity, error) {
			out, err := r.client.Query(ctx, in, once)
			if err != nil {
				return page{}, nil, err
			}
			return page{out.Items, out.LastEvaluatedKey}, out.ConsumedCapacity, nil
		}
	}, each)
}

// page is what one call of a read of many items returns.
type page struct {
	items []map[string]types.AttributeValue
	// last is where the next page starts behind; empty at the end.
	last map[string]types.AttributeValue
}

// sendPage asks for one page.
type sendPage func(context.Context) (page, *types.ConsumedCapacity, error)

// pages reads one page after the other, which next prepares, for as long as
// each returns nil; its error is returned as it is. The first one starts
// behind no key.
func (r *Repository) pages(ctx context.Context, operation string, next func(start map[string]types.AttributeValue) sendPage,
	each func([]map[string]types.AttributeValue) error,
) error {
	var p page
	for {
		var err error
		if p, err = retry(ctx, r, operation, true, next(p.last)); err != nil {
			return err
		}
		if err := each(p.items); err != nil {
			return err
		}
		if len(p.last) == 0 {
			return nil
		}
	}
}

// quota is how many answers are still wanted.
type quota struct{ left int }

// newQuota returns a quota of limit, or of all with 0.
func newQuota(limit int) *quota {
	if limit <= 0 {
		limit = math.MaxInt
	}
	return &quota{limit}
}

// take counts one answer, and reports whether it was the last.
func (q *quota) take() bool {
	q.left--
	return q.left <= 0
}

// page returns how many items to ask for: what is left, but at least so many;
// nil for as many as DynamoDB returns at once.
func (q *quota) page(least int) *int32 {
	if n := max(q.left, least); n < math.MaxInt32 {
		return aws.Int32(int32(n))
	}
	return nil
}
