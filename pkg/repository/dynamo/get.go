package dynamo

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/instance"
)

// Get implements [instance.Getter] with one consistent read, or two in a kind
// with [instance.OrderTime] if the id is not a UUID of version 7.
func (r *Repository) Get(ctx context.Context, key instance.Key) (instance.Instance, error) {
	at, err := r.find(ctx, key)
	if err != nil {
		return instance.Instance{}, fmt.Errorf("get %s: %w", key, err)
	}
	item, err := r.getItem(ctx, at)
	if err != nil {
		return instance.Instance{}, fmt.Errorf("get %s: %w", key, err)
	}
	if len(item) == 0 {
		return instance.Instance{}, instance.ErrNotFound
	}
	return readInstance(key.Kind, item)
}

// getItem reads one item consistently. The result is empty if there is none.
func (r *Repository) getItem(ctx context.Context, key itemKey) (item, error) {
	out, err := retry(ctx, r, "GetItem", true,
		func(ctx context.Context) (*dynamodb.GetItemOutput, *types.ConsumedCapacity, error) {
			out, err := r.client.GetItem(ctx, &dynamodb.GetItemInput{
				TableName: &r.table, Key: key.attributes(), ConsistentRead: aws.Bool(true),
				ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
			}, once)
			if err != nil {
				return nil, nil, err
			}
			return out, out.ConsumedCapacity, nil
		})
	if err != nil {
		return nil, err
	}
	return out.Item, nil
}
