package dynamo

import (
	"context"
	"fmt"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/instance"
)

// All implements [instance.Walker] in the order of the table. It scans all of
// the table consistently, history and the rest included, and costs accordingly.
// It is for operators: no function may scan.
func (r *Repository) All(ctx context.Context, kinds []instance.Kind, after *instance.Instance) iter.Seq2[instance.Instance, error] {
	if len(kinds) == 0 {
		return func(func(instance.Instance, error) bool) {}
	}
	var first item
	if after != nil {
		first = itemKey{partition(after.Kind, after.Collection), after.SortKey()}.attributes()
	}
	read := func(i item) (instance.Instance, error) { return readAny(kinds, i) }
	return named("all instances", each(r.scan(ctx, ofKinds(kinds), first), read))
}

// scan yields the items of the table after the key first, which may be nil, as far
// as the filter holds for them.
func (r *Repository) scan(ctx context.Context, filter expression.ConditionBuilder, first item) iter.Seq2[[]item, error] {
	e, err := expression.NewBuilder().WithFilter(filter).Build()
	if err != nil {
		return failed[[]item](fmt.Errorf("build scan: %w", err))
	}
	return r.pages(ctx, "Scan", func(start item) sendPage {
		if start == nil {
			start = first
		}
		in := &dynamodb.ScanInput{
			TableName: &r.table, ConsistentRead: aws.Bool(true), FilterExpression: e.Filter(),
			ExpressionAttributeNames: e.Names(), ExpressionAttributeValues: e.Values(),
			ExclusiveStartKey: start, ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		}
		return func(ctx context.Context) (page, *types.ConsumedCapacity, error) {
			out, err := r.client.Scan(ctx, in, once)
			if err != nil {
				return page{}, nil, err
			}
			return page{out.Items, out.LastEvaluatedKey}, out.ConsumedCapacity, nil
		}
	})
}

// ofKinds is the condition that an item is an instance of one of the kinds.
func ofKinds(kinds []instance.Kind) expression.ConditionBuilder {
	ofKind := func(kind instance.Kind) expression.ConditionBuilder {
		return expression.Name("pk").BeginsWith(partition(kind, ""))
	}
	filter := ofKind(kinds[0])
	for _, kind := range kinds[1:] {
		filter = filter.Or(ofKind(kind))
	}
	return filter
}

// readAny returns the instance in an item, whichever of the kinds it is of.
func readAny(kinds []instance.Kind, i item) (instance.Instance, error) {
	key, err := decode[itemKey](i)
	if err != nil {
		return instance.Instance{}, err
	}
	for _, kind := range kinds {
		if _, ok := collectionOf(kind, key.PK); ok {
			return readInstance(kind, i)
		}
	}
	return instance.Instance{}, fmt.Errorf("%q holds no instance of these kinds", key.PK)
}
