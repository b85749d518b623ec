package dynamo

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"instances/pkg/instance"
)

// Deleted implements [instance.TrashReader] with a consistent query for each of
// 16 shards, and more if there is more than a page. It reads ahead by a page of
// each shard.
func (r *Repository) Deleted(ctx context.Context, kind instance.Kind, before time.Time) iter.Seq2[instance.Deleted, error] {
	return named("deleted "+kind.String(), func(yield func(instance.Deleted, error) bool) {
		var heads []trashHead
		for n := range shards {
			next, stop := iter.Pull2(r.deletedOf(ctx, kind, n, before))
			defer stop()
			d, err, ok := next()
			if err != nil {
				yield(instance.Deleted{}, err)
				return
			}
			if ok {
				heads = append(heads, trashHead{d, next})
			}
		}
		for len(heads) > 0 {
			first := 0
			for n := range heads {
				if compareDeleted(heads[n].Deleted, heads[first].Deleted) < 0 {
					first = n
				}
			}
			if !yield(heads[first].Deleted, nil) {
				return
			}
			d, err, ok := heads[first].next()
			if err != nil {
				yield(instance.Deleted{}, err)
				return
			}
			if heads[first].Deleted = d; !ok {
				heads = slices.Delete(heads, first, first+1)
			}
		}
	})
}

// trashHead is the next element of a shard of the trash.
type trashHead struct {
	instance.Deleted
	next func() (instance.Deleted, error, bool)
}

// compareDeleted orders the trash as each shard is sorted.
func compareDeleted(a, b instance.Deleted) int {
	return cmp.Or(a.DeletedAt.Compare(b.DeletedAt), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Incarnation, b.Incarnation))
}

// deletedOf is Deleted for one shard.
func (r *Repository) deletedOf(ctx context.Context, kind instance.Kind, shard int, before time.Time) iter.Seq2[instance.Deleted, error] {
	key := expression.Key("pk").Equal(expression.Value(trashPartition(kind, shard)))
	if !before.IsZero() {
		key = key.And(expression.Key("sk").LessThan(expression.Value(sortableTime(before))))
	}
	pages := r.query(ctx, key, nil,
		func(in *dynamodb.QueryInput) { in.ConsistentRead, in.Limit = aws.Bool(true), aws.Int32(maxBatch) })
	return each(pages, func(i item) (instance.Deleted, error) {
		stored, err := decode[trashItem](i)
		return instance.Deleted{Instance: stored.instance(kind), DeletedAt: fromMilli(stored.Deleted)}, err
	})
}

// Purge implements [instance.Purger] as one transaction.
func (r *Repository) Purge(ctx context.Context, d instance.Deleted, change instance.Change) error {
	if !valid(d.Key()) {
		return instance.ErrNotFound
	}
	w := r.write(ctx, "purge "+d.Key().String())
	same := unchanged(d.Instance).
		And(expression.Name("col").Equal(expression.Value(d.Collection))).
		And(expression.Name("deleted").Equal(expression.Value(milli(d.DeletedAt))))
	w.remove(trashKey(d.Instance, d.DeletedAt), same, is(instance.ErrNotFound))
	w.recordHistory(d.Instance, d.Instance, change, afterPurge)
	return w.run(ctx)
}
