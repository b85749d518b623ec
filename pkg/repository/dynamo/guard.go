package dynamo

import (
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"

	"instances/pkg/fold"
	"instances/pkg/instance"
)

// guardItem makes a code unique. It names the instance that has the code.
type guardItem struct {
	itemKey
	Collection string `dynamodbav:"col"`
	ID         string `dynamodbav:"id"`
}

// takeCode stores the guard of the instance's code, if it has one. It is
// refused with [instance.ErrCodeTaken].
func (w *transaction) takeCode(i instance.Instance) {
	if i.Code != "" {
		w.put(guardItem{guardKey(i.Kind, fold.String(i.Code)), i.Collection, i.ID}, absent(), is(instance.ErrCodeTaken))
	}
}

// freeCode removes the guard of the instance's code, if it has one, but never
// that of another instance.
func (w *transaction) freeCode(i instance.Instance) {
	if i.Code == "" {
		return
	}
	held := expression.Name("col").Equal(expression.Value(i.Collection)).
		And(expression.Name("id").Equal(expression.Value(i.ID)))
	w.remove(guardKey(i.Kind, fold.String(i.Code)), held, nil)
}
