package dynamo

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/instance"
	"instances/pkg/repository"
)

// The indexes of the table.
const (
	codeIndex  = "CodeIndex"
	groupIndex = "GroupIndex"
	nameIndex  = "NameIndex"
	idleIndex  = "IdleIndex"
)

// maxBatch is how many items DynamoDB reads in one batch.
const maxBatch = 100

// hits returns the keys that the entries of an index name, of instances in
// the collections that are asked for.
func (s *search) hits(items []map[string]types.AttributeValue) ([]itemKey, error) {
	keys := make([]itemKey, 0, len(items))
	for _, item := range items {
		var key itemKey
		if err := attributevalue.UnmarshalMap(item, &key); err != nil {
			return nil, fmt.Errorf("decode index entry: %w", err)
		}
		collection, ok := collectionOf(s.q.Kind, key.PK)
		if !ok {
			return nil, fmt.Errorf("index entry of %q", key.PK)
		}
		if s.asks(collection, key.SK) {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// verify reads the hits again, consistently, and hands out those that still
// are there, in the same order. An instance that an index has forgotten or
// not yet learned is not among them.
func (s *search) verify(ctx context.Context, hits []itemKey, give func(instance.Instance) error) error {
	for len(hits) > 0 {
		n := min(len(hits), maxBatch, max(s.left, s.batch))
		found, err := s.r.batchGet(ctx, hits[:n])
		if err != nil {
			return err
		}
		for _, hit := range hits[:n] {
			item, ok := found[hit]
			if !ok {
				continue
			}
			i, err := readInstance(s.q.Kind, item)
			if err != nil {
				return err
			}
			if err := give(i); err != nil {
				return err
			}
		}
		hits = hits[n:]
	}
	return nil
}

// batchGet reads up to maxBatch items consistently. What DynamoDB leaves out,
// because of its limits, is asked for again.
func (r *Repository) batchGet(ctx context.Context, keys []itemKey) (map[itemKey]map[string]types.AttributeValue, error) {
	wanted := types.KeysAndAttributes{ConsistentRead: aws.Bool(true)}
	for _, key := range keys {
		wanted.Keys = append(wanted.Keys, key.attributes())
	}
	in := &dynamodb.BatchGetItemInput{
		RequestItems:           map[string]types.KeysAndAttributes{r.table: wanted},
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	}
	found := make(map[itemKey]map[string]types.AttributeValue, len(keys))
	for len(in.RequestItems) > 0 {
		out, err := r.batchGetSome(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, item := range out.Responses[r.table] {
			var key itemKey
			if err := attributevalue.UnmarshalMap(item, &key); err != nil {
				return nil, fmt.Errorf("decode item: %w", err)
			}
			found[key] = item
		}
		in.RequestItems = out.UnprocessedKeys
	}
	return found, nil
}

// batchGetSome reads as much of a batch as DynamoDB gives at once. A batch of
// which it gives something is limited by its size, one of which it gives
// nothing by throttling: that is tried again.
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
