package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"

	"instances/pkg/fold"
	"instances/pkg/instance"
	"instances/pkg/repository"
)

// Replace stores after in place of before, exchanges the guards of their
// codes and writes the history record, all or nothing. It returns what it
// stored: after with the key, creation time and incarnation of before, the
// next version and the time of the change. LastSeenAt and IdleSince each stay as
// they are stored unless after has another one than before, since
// [Repository.Touch] writes no version; what is returned has those of after.
//
// It returns [instance.ErrConflict] if the instance is not what before says,
// [instance.ErrNotFound] if it is gone, [instance.ErrCodeTaken] if another
// instance has the new code, [instance.ErrTooLarge].
func (r *Repository) Replace(ctx context.Context, before, after instance.Instance, change instance.Change) (instance.Instance, error) {
	after.Kind, after.Collection, after.ID = before.Kind, before.Collection, before.ID
	after.Version, after.Incarnation = before.Version+1, before.Incarnation
	after.CreatedAt, after.UpdatedAt = before.CreatedAt, change.At.UTC().Truncate(time.Millisecond)
	var touched []string
	if !after.LastSeenAt.Equal(before.LastSeenAt) {
		touched = append(touched, "seen")
	}
	if !after.IdleSince.Equal(before.IdleSince) {
		touched = append(touched, "idle", "ipk", "isk")
	}
	after.LastSeenAt, after.IdleSince = fromMilli(milli(after.LastSeenAt)), fromMilli(milli(after.IdleSince))
	item, err := newItem(after)
	if err != nil {
		return instance.Instance{}, fmt.Errorf("replace %s: %w", before.Key(), err)
	}
	w := newWrite("replace " + before.Key().String())
	set, err := assign(item, touched)
	if err != nil {
		return instance.Instance{}, err
	}
	moved, err := w.update(r, item.itemKey, set, unchanged(before))
	if err != nil {
		return instance.Instance{}, err
	}
	guard := -1
	if fold.String(before.Code) != fold.String(after.Code) {
		if guard, err = w.takeCode(r, after); err != nil {
			return instance.Instance{}, err
		}
		if err := w.freeCode(r, before); err != nil {
			return instance.Instance{}, err
		}
	}
	if err := w.recordHistory(r, before, after, change, afterWrite); err != nil {
		return instance.Instance{}, err
	}
	err = w.run(ctx, r)
	no, ok := errors.AsType[*refusal](err)
	switch {
	case err == nil:
		return after, nil
	case !ok:
		return instance.Instance{}, err
	}
	if there, ok := no.failed(moved); ok {
		return instance.Instance{}, r.lost(ctx, before.Key(), len(there) > 0)
	}
	if _, ok := no.failed(guard); ok {
		return instance.Instance{}, instance.ErrCodeTaken
	}
	return instance.Instance{}, fmt.Errorf("%s: %w", w.operation, err)
}

// Update reads the instance, lets modify change it and writes it, again where
// another writer was faster; see [repository.Update].
func (r *Repository) Update(ctx context.Context, key instance.Key, change instance.Change,
	modify func(instance.Instance) (instance.Instance, error),
) (instance.Instance, error) {
	return repository.Update(ctx, r, key, change, modify)
}

// unchanged is the condition that the instance is what was read.
func unchanged(read instance.Instance) expression.ConditionBuilder {
	return expression.Name("v").Equal(expression.Value(read.Version)).
		And(expression.Name("inc").Equal(expression.Value(read.Incarnation)))
}

// assign returns the update that makes a stored item equal to item: what is
// set is written, what is not is removed. What [Repository.Touch] writes is left
// alone but for the attributes that touched names.
func assign(item instanceItem, touched []string) (expression.UpdateBuilder, error) {
	attributes, err := attributevalue.MarshalMap(item)
	if err != nil {
		return expression.UpdateBuilder{}, fmt.Errorf("encode item: %w", err)
	}
	names := append([]string{
		"code", "grp", "sub", "name", "owner", "status", "active", "v", "updated", "attrs",
		"cpk", "csk", "gpk", "gsk", "npk", "nsk", "fname", "fgroup", "fsubgroup",
	}, touched...)
	var update expression.UpdateBuilder
	for _, name := range names {
		if value, ok := attributes[name]; ok {
			update = update.Set(expression.Name(name), expression.Value(value))
		} else {
			update = update.Remove(expression.Name(name))
		}
	}
	return update, nil
}
