package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"

	"instances/pkg/instance"
)

// pointerItem says where an instance is if its id does not.
type pointerItem struct {
	itemKey
	Sort string `dynamodbav:"sort"`
}

// find returns the key of the instance's item. If the id does not tell, that
// takes a read of the pointer, and it returns [instance.ErrNotFound] if there is
// none. The item itself may be gone.
//
// If the instance is deleted between the two reads, and another one created with
// its id, neither is found: in between, there was none.
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
		pointer, err := decode[pointerItem](attributes)
		if err != nil {
			return itemKey{}, err
		}
		sort = pointer.Sort
	}
	return itemKey{partition(key.Kind, key.Collection), sort}, nil
}

// changed is the refusal of a write to an instance that has changed since it was
// read. If its item is gone, a later instance with its id may be elsewhere.
func (r *Repository) changed(ctx context.Context, key instance.Key) refusal {
	return func(stored item) error {
		if len(stored) > 0 {
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
}

// putPointer stores the pointer to a new instance, unless its id tells where it
// is. The pointer keeps the id unique: it is refused with [instance.ErrExists].
func (w *transaction) putPointer(i instance.Instance) {
	if _, ok := i.Key().SortKey(); !ok {
		w.put(pointerItem{pointerKey(i.Key()), i.SortKey()}, absent(), is(instance.ErrExists))
	}
}

// removePointer removes the pointer to the instance, if it has one.
func (w *transaction) removePointer(i instance.Instance) {
	if _, ok := i.Key().SortKey(); !ok {
		w.remove(pointerKey(i.Key()), expression.Name("sort").Equal(expression.Value(i.SortKey())), nil)
	}
}
