package dynamo

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"

	"instances/pkg/instance"
)

// pointerItem says where the instance is whose id does not tell it.
type pointerItem struct {
	itemKey
	Sort string `dynamodbav:"sort"`
}

// find returns the key of the instance's item. Where its id does not tell it,
// that takes a read of the pointer, and it returns [instance.ErrNotFound] if
// there is none. The item may be gone all the same.
//
// An instance that is deleted between the two reads, and another one created
// with its id, is not found either: between the two, there was none.
func (r *Repository) find(ctx context.Context, key instance.Key) (itemKey, error) {
	if !valid(key) {
		return itemKey{}, instance.ErrNotFound
	}
	sort, ok := key.SortKey()
	if !ok {
		attributes, err := r.getItem(ctx, pointerKey(key))
		if err != nil {
			return itemKey{}, err
		}
		if len(attributes) == 0 {
			return itemKey{}, instance.ErrNotFound
		}
		var pointer pointerItem
		if err := attributevalue.UnmarshalMap(attributes, &pointer); err != nil {
			return itemKey{}, fmt.Errorf("decode pointer: %w", err)
		}
		sort = pointer.Sort
	}
	return itemKey{partition(key.Kind, key.Collection), sort}, nil
}

// lost returns why the instance is not what was read. Where its item is gone,
// a later instance of its id may be elsewhere.
func (r *Repository) lost(ctx context.Context, key instance.Key, there bool) error {
	if there {
		return instance.ErrConflict
	}
	if _, ok := key.SortKey(); ok {
		return instance.ErrNotFound
	}
	if _, err := r.find(ctx, key); err != nil {
		return err
	}
	return instance.ErrConflict
}

// putPointer adds the pointer to a new instance, and returns its index, or -1
// where its id tells enough. The pointer keeps the id unique.
func (w *write) putPointer(r *Repository, i instance.Instance) (int, error) {
	if _, ok := i.Key().SortKey(); ok {
		return -1, nil
	}
	return w.put(r, pointerItem{pointerKey(i.Key()), i.SortKey()}, absent())
}

// removePointer adds the removal of the pointer to the instance, if it has
// one.
func (w *write) removePointer(r *Repository, i instance.Instance) error {
	if _, ok := i.Key().SortKey(); ok {
		return nil
	}
	_, err := w.remove(r, pointerKey(i.Key()), expression.Name("sort").Equal(expression.Value(i.SortKey())))
	return err
}
