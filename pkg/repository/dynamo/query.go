package dynamo

import (
	"context"
	"fmt"
	"iter"
	"math"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The sequences of this package yield an error once, at the end, and read
// nothing more once their consumer stops.

// within is the key range of a partition, after a sort key where one is given.
func within(pkName, pk, skName, after string) expression.KeyConditionBuilder {
	key := expression.Key(pkName).Equal(expression.Value(pk))
	if after != "" {
		key = key.And(expression.Key(skName).GreaterThan(expression.Value(after)))
	}
	return key
}

// query yields the pages of a key range. Before each page, tune may change
// what is asked for.
func (r *Repository) query(ctx context.Context, key expression.KeyConditionBuilder, filter *expression.ConditionBuilder,
	tune func(*dynamodb.QueryInput),
) iter.Seq2[[]item, error] {
	builder := expression.NewBuilder().WithKeyCondition(key)
	if filter != nil {
		builder = builder.WithFilter(*filter)
	}
	e, err := builder.Build()
	if err != nil {
		return failed[[]item](fmt.Errorf("build query: %w", err))
	}
	in := &dynamodb.QueryInput{
		TableName: &r.table, KeyConditionExpression: e.KeyCondition(), FilterExpression: e.Filter(),
		ExpressionAttributeNames: e.Names(), ExpressionAttributeValues: e.Values(),
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	}
	return r.pages(ctx, "Query", func(start item) sendPage {
		in.ExclusiveStartKey = start
		tune(in)
		return func(ctx context.Context) (page, *types.ConsumedCapacity, error) {
			out, err := r.client.Query(ctx, in, once)
			if err != nil {
				return page{}, nil, err
			}
			return page{out.Items, out.LastEvaluatedKey}, out.ConsumedCapacity, nil
		}
	})
}

// page is what one call of a read of many items returns.
type page struct {
	items []item
	// last is the key after which the next page starts; empty at the end.
	last item
}

// sendPage asks for one page.
type sendPage func(context.Context) (page, *types.ConsumedCapacity, error)

// pages yields one page after the other, which next prepares. The first one
// starts after no key.
func (r *Repository) pages(ctx context.Context, operation string, next func(start item) sendPage) iter.Seq2[[]item, error] {
	return func(yield func([]item, error) bool) {
		var start item
		for {
			p, err := retry(ctx, r, operation, true, next(start))
			if !yield(p.items, err) || err != nil || len(p.last) == 0 {
				return
			}
			start = p.last
		}
	}
}

// each yields what read makes of each item of the pages.
func each[T any](pages iter.Seq2[[]item, error], read func(item) (T, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for items, err := range pages {
			if err != nil {
				yield(*new(T), err)
				return
			}
			for _, i := range items {
				if v, err := read(i); !yield(v, err) || err != nil {
					return
				}
			}
		}
	}
}

// concat yields what read yields for each of the parts.
func concat[P, T any](parts iter.Seq2[P, error], read func(P) iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for part, err := range parts {
			if err != nil {
				yield(*new(T), err)
				return
			}
			for v, err := range read(part) {
				if !yield(v, err) || err != nil {
					return
				}
			}
		}
	}
}

// failed yields the error alone.
func failed[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) { yield(*new(T), err) }
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
