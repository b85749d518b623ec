package dynamo

import (
	"context"
	"fmt"
	"iter"
	"math"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// The sequences in this package yield an error once, at the end. They read
// nothing more once their consumer stops, and start over when ranged over again.

// within is the key range of a partition, after a sort key unless it is empty.
func within(pkName, pk, skName, after string) expression.KeyConditionBuilder {
	key := expression.Key(pkName).Equal(expression.Value(pk))
	if after != "" {
		key = key.And(expression.Key(skName).GreaterThan(expression.Value(after)))
	}
	return key
}

// query yields the pages of a key range. Tune may change the request for each.
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
	return r.pages(ctx, "Query", func(start item) sendPage {
		in := &dynamodb.QueryInput{
			TableName: &r.table, KeyConditionExpression: e.KeyCondition(), FilterExpression: e.Filter(),
			ExpressionAttributeNames: e.Names(), ExpressionAttributeValues: e.Values(),
			ExclusiveStartKey: start, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		}
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

// page is the result of one call that reads many items.
type page struct {
	items []item
	// last is the key after which the next page starts; empty at the end.
	last item
}

// sendPage requests a page.
type sendPage func(context.Context) (page, *types.ConsumedCapacity, error)

// pages yields page after page. Next prepares the request for the page after
// the start key, which is nil for the first.
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

// each yields the result of read for each item.
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

// concat yields the elements of read for each of the parts.
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

// ahead is concat with width parts read at the same time. Width is asked again
// after each part that is done, with the number of those. One part alone is read
// as the consumer goes, several by a goroutine each, which is ahead of it by two
// elements at most. No goroutine is left when the sequence ends.
func ahead[P, T any](ctx context.Context, parts iter.Seq2[P, error], width func(done int) int,
	read func(context.Context, P) iter.Seq2[T, error],
) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		stopped := make(chan struct{})
		var running sync.WaitGroup
		defer func() { close(stopped); cancel(); running.Wait() }()
		next, stop := iter.Pull2(parts)
		defer stop()

		var begun []iter.Seq2[T, error]
		for done := 0; ; done++ {
			wide := width(done)
			for len(begun) < max(wide, 1) {
				part, err, ok := next()
				if !ok {
					break
				}
				all := failed[T](err)
				if err == nil {
					all = read(ctx, part)
				}
				if wide > 1 {
					all = begin(all, &running, stopped)
				}
				begun = append(begun, all)
			}
			if len(begun) == 0 {
				return
			}
			for v, err := range begun[0] {
				if !yield(v, err) || err != nil {
					return
				}
			}
			begun = begun[1:]
		}
	}
}

// begin starts to read all in a goroutine, until stopped is closed, and yields the
// elements.
func begin[T any](all iter.Seq2[T, error], running *sync.WaitGroup, stopped <-chan struct{}) iter.Seq2[T, error] {
	type element struct {
		value T
		err   error
	}
	elements := make(chan element, 1)
	running.Go(func() {
		defer close(elements)
		for v, err := range all {
			select {
			case elements <- element{v, err}:
			case <-stopped:
				return
			}
		}
	})
	return func(yield func(T, error) bool) {
		for e := range elements {
			if !yield(e.value, e.err) {
				return
			}
		}
	}
}

// where yields the elements that keep reports true for.
func where[T any](all iter.Seq2[T, error], keep func(T) bool) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for v, err := range all {
			if (err != nil || keep(v)) && !yield(v, err) {
				return
			}
		}
	}
}

// named yields all, and says in its error what was being done.
func named[T any](operation string, all iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for v, err := range all {
			if err != nil {
				err = fmt.Errorf("%s: %w", operation, err)
			}
			if !yield(v, err) {
				return
			}
		}
	}
}

// failed yields err alone.
func failed[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) { yield(*new(T), err) }
}

// quota is how many results are still wanted.
type quota struct{ left int }

// newQuota returns a quota of limit results, or of any number if limit is 0.
func newQuota(limit int) *quota {
	if limit <= 0 {
		limit = math.MaxInt
	}
	return &quota{limit}
}

// limited reports whether some results are enough.
func (q *quota) limited() bool { return q.left < math.MaxInt32 }

// take counts a result, and reports whether it was the last one wanted.
func (q *quota) take() bool {
	q.left--
	return q.left <= 0
}

// page returns how many items to request: as many as are left, but at least
// least; nil for as many as DynamoDB returns at once.
func (q *quota) page(least int) *int32 {
	if n := max(q.left, least); n < math.MaxInt32 {
		return aws.Int32(int32(n))
	}
	return nil
}
