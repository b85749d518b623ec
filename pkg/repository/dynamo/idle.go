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
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/instance"
)

// Idle yields the instances of the kind that have been idle since before that
// time, in no order, each as it is when it is read. An instance that just
// became so may be left out, one that no longer is so never is yielded. What
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
			err := r.idleOf(ctx, kind, n, before, func(i instance.Instance) bool { return yield(i, nil) })
			if err != nil {
				if err := enough(err); err != nil {
					yield(instance.Instance{}, fmt.Errorf("idle %s: %w", kind, err))
				}
				return
			}
		}
	}
}

// idleOf is Idle for one shard. It returns errEnough when yield returns false.
func (r *Repository) idleOf(ctx context.Context, kind instance.Kind, shard int, before time.Time, yield func(instance.Instance) bool) error {
	// The last moment that is due is the one before.
	key := expression.Key("ipk").Equal(expression.Value(idlePartition(kind, shard))).
		And(expression.Key("isk").LessThanEqual(expression.Value(day(before.Add(-1)))))
	return r.query(ctx, key, nil,
		func(in *dynamodb.QueryInput) { in.IndexName, in.Limit = aws.String(idleIndex), aws.Int32(maxBatch) },
		func(items []map[string]types.AttributeValue) error {
			hits := make([]itemKey, len(items))
			if err := attributevalue.UnmarshalListOfMaps(items, &hits); err != nil {
				return fmt.Errorf("decode index entry: %w", err)
			}
			if len(hits) == 0 {
				return nil
			}
			found, err := r.batchGet(ctx, hits)
			if err != nil {
				return err
			}
			for _, hit := range hits {
				item, ok := found[hit]
				if !ok {
					continue
				}
				i, err := readInstance(kind, item)
				if err != nil {
					return err
				}
				if i.IdleSince.IsZero() || !i.IdleSince.Before(before) {
					continue
				}
				if !yield(i) {
					return errEnough
				}
			}
			return nil
		})
}
