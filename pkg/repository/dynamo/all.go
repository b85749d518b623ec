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

// All yields every instance of the kinds, each as it is when it is read, in an
// order that never changes, that of the table. Where after is not nil, it goes
// on behind that instance, which need not be stored any more. What is written
// meanwhile may be left out. An error is yielded once, at the end.
//
// It scans the whole table consistently, with the history and all else that
// is in it, and costs accordingly. It is for operators: no function may scan.
func (r *Repository) All(ctx context.Context, kinds []instance.Kind, after *instance.Instance) iter.Seq2[instance.Instance, error] {
	return func(yield func(instance.Instance, error) bool) {
		if len(kinds) == 0 {
			return
		}
		read := func(i item) (instance.Instance, error) { return readAny(kinds, i) }
		for i, err := range each(r.scan(ctx, kinds, after), read) {
			if err != nil {
				yield(instance.Instance{}, fmt.Errorf("all instances: %w", err))
				return
			}
			if !yield(i, nil) {
				return
			}
		}
	}
}

// scan yields the pages of the table that hold instances of the kinds.
func (r *Repository) scan(ctx context.Context, kinds []instance.Kind, after *instance.Instance) iter.Seq2[[]item, error] {
	filter := ofKind(kinds[0])
	for _, kind := range kinds[1:] {
		filter = filter.Or(ofKind(kind))
	}
	e, err := expression.NewBuilder().WithFilter(filter).Build()
	if err != nil {
		return failed[[]item](fmt.Errorf("build scan: %w", err))
	}
	in := &dynamodb.ScanInput{
		TableName: &r.table, ConsistentRead: aws.Bool(true), FilterExpression: e.Filter(),
		ExpressionAttributeNames: e.Names(), ExpressionAttributeValues: e.Values(),
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	}
	return r.pages(ctx, "Scan", func(start item) sendPage {
		if start == nil && after != nil {
			start = itemKey{partition(after.Kind, after.Collection), after.SortKey()}.attributes()
		}
		in.ExclusiveStartKey = start
		return func(ctx context.Context) (page, *types.ConsumedCapacity, error) {
			out, err := r.client.Scan(ctx, in, once)
			if err != nil {
				return page{}, nil, err
			}
			return page{out.Items, out.LastEvaluatedKey}, out.ConsumedCapacity, nil
		}
	})
}

// ofKind tells the items that are instances of the kind.
func ofKind(kind instance.Kind) expression.ConditionBuilder {
	return expression.Name("pk").BeginsWith(partition(kind, ""))
}

// readAny returns the instance of an item, of whichever of the kinds it is.
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
