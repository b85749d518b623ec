package dynamo

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/instance"
	"instances/pkg/repository"
)

// maxBatch is the number of items that DynamoDB reads in one batch.
const maxBatch = 100

// getAll yields the instances with the keys, at most maxBatch, in the order of
// the keys. It leaves out those that do not exist.
func (r *Repository) getAll(ctx context.Context, kind instance.Kind, keys []itemKey) iter.Seq2[instance.Instance, error] {
	return func(yield func(instance.Instance, error) bool) {
		found, err := r.batchGet(ctx, keys)
		if err != nil {
			yield(instance.Instance{}, err)
			return
		}
		for _, key := range keys {
			if stored, ok := found[key]; ok {
				if i, err := readInstance(kind, stored); !yield(i, err) || err != nil {
					return
				}
			}
		}
	}
}

// batchGet reads at most maxBatch items consistently, again where DynamoDB leaves
// some out because of its limits.
func (r *Repository) batchGet(ctx context.Context, keys []itemKey) (map[itemKey]item, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	wanted := types.KeysAndAttributes{ConsistentRead: aws.Bool(true)}
	for _, key := range keys {
		wanted.Keys = append(wanted.Keys, key.attributes())
	}
	in := &dynamodb.BatchGetItemInput{
		RequestItems:           map[string]types.KeysAndAttributes{r.table: wanted},
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	}
	found := make(map[itemKey]item, len(keys))
	for len(in.RequestItems) > 0 {
		out, err := r.batchGetSome(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, item := range out.Responses[r.table] {
			key, err := decode[itemKey](item)
			if err != nil {
				return nil, err
			}
			found[key] = item
		}
		in.RequestItems = out.UnprocessedKeys
	}
	return found, nil
}

// batchGetSome reads as much of a batch as DynamoDB returns at once. If that is
// something, the size of the batch is the limit; if it is nothing, throttling is,
// and it tries again.
func (r *Repository) batchGetSome(ctx context.Context, in *dynamodb.BatchGetItemInput) (*dynamodb.BatchGetItemOutput, error) {
	for range repository.Attempts(ctx) {
		out, err := retry(ctx, r, "BatchGetItem", true,
			func(ctx context.Context) (*dynamodb.BatchGetItemOutput, *types.ConsumedCapacity, error) {
				out, err := r.client.BatchGetItem(ctx, in, once)
				if err != nil {
					return nil, nil, err
				}
				return out, total(out.ConsumedCapacity), nil
			})
		if err != nil || len(out.UnprocessedKeys) == 0 || len(out.Responses[r.table]) > 0 {
			return out, err
		}
	}
	return nil, unavailable("BatchGetItem", nil)
}
