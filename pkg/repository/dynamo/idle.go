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

// Idle yields the instances of the kind that have been idle since before that
// time, in no order, each as it is when it is read. An instance that just
// became idle may be left out; one that has since changed is not yielded. What
// it has yielded may be written meanwhile. An error is yielded once, at the
// end.
//
// It is one query of an index for each of 16 shards, and reads what that
// finds: what is due, and what will be on the same day.
func (r *Repository) Idle(ctx context.Context, kind instance.Kind, before time.Time) iter.Seq2[instance.Instance, error] {
	return func(yield func(instance.Instance, error) bool) {
		if before.IsZero() {
			return
		}
		for n := range shards {
			for i, err := range r.idleOf(ctx, kind, n, before) {
				if err != nil {
					yield(instance.Instance{}, fmt.Errorf("idle %s: %w", kind, err))
					return
				}
				if !i.IdleSince.IsZero() && i.IdleSince.Before(before) && !yield(i, nil) {
					return
				}
			}
		}
	}
}

// idleOf yields what one shard of the index says, each instance as it is when
// it is read.
func (r *Repository) idleOf(ctx context.Context, kind instance.Kind, shard int, before time.Time) iter.Seq2[instance.Instance, error] {
	// The last moment that is due is the one before.
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
