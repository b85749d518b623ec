package dynamo

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"

	"instances/pkg/instance"
	"instances/pkg/repository"
)

// Replace implements [instance.Replacer] as one transaction. The times of a
// heartbeat in its result are those of after, even where others are stored.
func (r *Repository) Replace(ctx context.Context, before, after instance.Instance, change instance.Change,
	record *instance.Idempotency,
) (instance.Instance, error) {
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
	operation := "replace " + before.Key().String()
	err := carefully(ctx, operation, func(again bool) error {
		w := r.write(ctx, operation)
		w.recordAnswer(record, after)
		stored, err := newItem(after, w.layout)
		w.fail(err)
		rows, same, refused := w.stored(ctx, before)
		w.update(stored.itemKey, w.assign(stored, touched), same, refused)
		w.moveCode(ctx, before, after, again)
		w.keepNames(rows, w.nameRows(after))
		w.recordHistory(before, after, change, afterWrite)
		return w.run(ctx)
	})
	if err != nil {
		return instance.Instance{}, err
	}
	return after, nil
}

// Update implements [instance.Updater] with [repository.Update].
func (r *Repository) Update(ctx context.Context, key instance.Key, change instance.Change, record *instance.Idempotency,
	modify func(instance.Instance) (instance.Instance, error),
) (instance.Instance, error) {
	return repository.Update(ctx, r, key, change, record, modify)
}

// unchanged is the condition that the instance is as it was read.
func unchanged(read instance.Instance) expression.ConditionBuilder {
	return expression.Name("v").Equal(expression.Value(read.Version)).
		And(expression.Name("inc").Equal(expression.Value(read.Incarnation)))
}

// assign returns the update that makes an item equal to stored, except that of
// the attributes that [Repository.Touch] writes it changes only those in touched.
func (w *transaction) assign(stored instanceItem, touched []string) expression.UpdateBuilder {
	attributes, err := attributevalue.MarshalMap(stored)
	w.fail(err)
	var update expression.UpdateBuilder
	for _, name := range append(assigned(), touched...) {
		if value, ok := attributes[name]; ok {
			update = update.Set(expression.Name(name), expression.Value(value))
		} else {
			update = update.Remove(expression.Name(name))
		}
	}
	return update
}

// assigned returns the attributes that every update of an instance writes.
func assigned() []string {
	return []string{
		"code", "grp", "sub", "name", "owner", "status", "active", "v", "updated", "attrs",
		"cpk", "csk", "gpk", "gsk", "spk", "ssk", "tpk", "tsk", "npk", "fname", "fsubgroup",
		"nsk", "fgroup", // What layout 1 had besides.
	}
}
