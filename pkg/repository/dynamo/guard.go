package dynamo

import (
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"

	"instances/pkg/fold"
	"instances/pkg/instance"
)

// guardItem makes a code unique. It says who has the code.
type guardItem struct {
	itemKey
	Collection string `dynamodbav:"col"`
	ID         string `dynamodbav:"id"`
}

// takeCode adds the guard of the instance's code, and returns its index, or
// -1 where there is no code.
func (w *write) takeCode(r *Repository, i instance.Instance) (int, error) {
	if i.Code == "" {
		return -1, nil
	}
	return w.put(r, guardItem{guardKey(i.Kind, fold.String(i.Code)), i.Collection, i.ID}, absent())
}

// freeCode adds the removal of the guard of the instance's code, if it has
// one. A guard of another instance is never removed.
func (w *write) freeCode(r *Repository, i instance.Instance) error {
	if i.Code == "" {
		return nil
	}
	_, err := w.remove(r, guardKey(i.Kind, fold.String(i.Code)),
		expression.Name("col").Equal(expression.Value(i.Collection)).
			And(expression.Name("id").Equal(expression.Value(i.ID))))
	return err
}
