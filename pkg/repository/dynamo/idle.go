package dynamo

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"instances/pkg/instance"
)

// Idle implements [instance.IdleReader] with a query of an index for each of 16
// shards. It then reads what is due, and what will be later on the same day.
func (r *Repository) Idle(ctx context.Context, kind instance.Kind, before time.Time) iter.Seq2[instance.Instance, error] {
	if before.IsZero() {
		return func(func(instance.Instance, error) bool) {}
	}
	all := func(yield func(instance.Instance, error) bool) {
		for n := range shards {
			for i, err := range r.idleOf(ctx, kind, n, before) {
				if !yield(i, err) || err != nil {
					return
				}
			}
		}
	}
	return named("idle "+kind.String(), where(all, func(i instance.Instance) bool {
		return !i.IdleSince.IsZero() && i.IdleSince.Before(before)
	}))
}

// idleOf yields the instances that one shard of the index names, as they are
// now.
func (r *Repository) idleOf(ctx context.Context, kind instance.Kind, shard int, before time.Time) iter.Seq2[instance.Instance, error] {
	// The last day that is due is that of the moment before.
	key := expression.Key("ipk").Equal(expression.Value(idlePartition(kind, shard))).
		And(expression.Key("isk").LessThanEqual(expression.Value(day(before.Add(-1)))))
	pages := r.query(ctx, key, nil,
		func(in *dynamodb.QueryInput) { in.IndexName, in.Limit = aws.String(idleIndex), aws.Int32(maxBatch) })
	return concat(pages, func(entries []item) iter.Seq2[instance.Instance, error] {
		var hits []itemKey
		if err := attributevalue.UnmarshalListOfMaps(entries, &hits); err != nil {
			return failed[instance.Instance](fmt.Errorf("decode index entry: %w", err))
		}
		return r.getAll(ctx, kind, hits)
	})
}
