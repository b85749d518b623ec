package dynamo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/repository"
)

// markerLife is how long a marker that is no history record is kept. No write
// is on its way for longer.
const markerLife = 24 * time.Hour

// write is one transaction.
type write struct {
	operation string
	// id is random, and what the marker holds.
	id string
	// token is random too, and that of the transaction. DynamoDB may answer a
	// token that it knows as before, so an attempt that was rejected needs
	// another one, and an attempt that may have succeeded the same.
	token string
	items []types.TransactWriteItem
	// marker is the key of the item that only this write makes, its last one.
	marker itemKey
}

// marker is what tells a write that it has taken effect, or, as a fence, that
// it never can.
type marker struct {
	itemKey
	Write   string `dynamodbav:"w"`
	Fence   bool   `dynamodbav:"fence,omitempty"`
	Expires int64  `dynamodbav:"expires,omitempty"`
}

// newWrite starts a transaction.
func newWrite(operation string) *write {
	return &write{operation: operation, id: rand.Text(), token: rand.Text()}
}

// put adds an item to be stored on a condition, and returns its index.
func (w *write) put(r *Repository, item any, condition expression.ConditionBuilder) (int, error) {
	attributes, err := attributevalue.MarshalMap(item)
	if err != nil {
		return 0, fmt.Errorf("encode item: %w", err)
	}
	e, err := expression.NewBuilder().WithCondition(condition).Build()
	if err != nil {
		return 0, fmt.Errorf("build condition: %w", err)
	}
	return w.add(types.TransactWriteItem{Put: &types.Put{
		TableName: &r.table, Item: attributes, ConditionExpression: e.Condition(),
		ExpressionAttributeNames: e.Names(), ExpressionAttributeValues: e.Values(),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}), nil
}

// update adds an item to be changed on a condition, and returns its index.
func (w *write) update(r *Repository, key itemKey, change expression.UpdateBuilder, condition expression.ConditionBuilder) (int, error) {
	e, err := expression.NewBuilder().WithUpdate(change).WithCondition(condition).Build()
	if err != nil {
		return 0, fmt.Errorf("build update: %w", err)
	}
	return w.add(types.TransactWriteItem{Update: &types.Update{
		TableName: &r.table, Key: key.attributes(), UpdateExpression: e.Update(), ConditionExpression: e.Condition(),
		ExpressionAttributeNames: e.Names(), ExpressionAttributeValues: e.Values(),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}), nil
}

// remove adds an item to be deleted on a condition, and returns its index.
func (w *write) remove(r *Repository, key itemKey, condition expression.ConditionBuilder) (int, error) {
	e, err := expression.NewBuilder().WithCondition(condition).Build()
	if err != nil {
		return 0, fmt.Errorf("build condition: %w", err)
	}
	return w.add(types.TransactWriteItem{Delete: &types.Delete{
		TableName: &r.table, Key: key.attributes(), ConditionExpression: e.Condition(),
		ExpressionAttributeNames: e.Names(), ExpressionAttributeValues: e.Values(),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}}), nil
}

func (w *write) add(item types.TransactWriteItem) int {
	w.items = append(w.items, item)
	return len(w.items) - 1
}

// mark adds a marker of its own, for a write without a history record.
func (w *write) mark(r *Repository) error {
	w.marker = itemKey{"write#" + w.id, "marker"}
	_, err := w.put(r, marker{w.marker, w.id, false, time.Now().Add(markerLife).Unix()}, absent())
	return err
}

// absent is the condition that there is no such item.
func absent() expression.ConditionBuilder {
	return expression.AttributeNotExists(expression.Name("pk"))
}

// always is the condition that holds whether or not there is such an item.
func always() expression.ConditionBuilder {
	return absent().Or(expression.AttributeExists(expression.Name("pk")))
}

// refusal is the error of a transaction of which a condition did not hold.
// Nothing was changed.
type refusal struct{ reasons []types.CancellationReason }

// Error says which parts did not hold.
func (e *refusal) Error() string {
	codes := make([]string, len(e.reasons))
	for i, reason := range e.reasons {
		codes[i] = code(reason)
	}
	return fmt.Sprintf("transaction refused: %v", codes)
}

// failed reports whether the condition of the item at the index did not hold,
// and returns the item that was there instead, empty where there was none.
func (e *refusal) failed(index int) (map[string]types.AttributeValue, bool) {
	if index < 0 || index >= len(e.reasons) || code(e.reasons[index]) != "ConditionalCheckFailed" {
		return nil, false
	}
	return e.reasons[index].Item, true
}

// run carries the transaction out, once. It returns a *[refusal] when a
// condition did not hold, and [instance.ErrUnavailable] when the time did not
// suffice. Nothing was changed then, nor after any other error that does not
// say that the outcome is unknown.
func (w *write) run(ctx context.Context, r *Repository) error {
	sendCtx, cancel := keepBack(ctx)
	defer cancel()
	var cause error
	maybe := false // Whether an earlier attempt may have taken effect.
	for attempt := range maxAttempts {
		if !worthwhile(sendCtx) {
			break
		}
		err := w.send(sendCtx, r)
		if err == nil {
			return nil
		}
		cause = err
		switch classify(err) {
		case final:
			return w.finish(ctx, r, err, maybe)
		case unsure:
			maybe = true
		case rejected:
			w.token = rand.Text()
		}
		if repository.Backoff(sendCtx, attempt) != nil {
			break
		}
	}
	if !maybe {
		return unavailable(w.operation, cause)
	}
	return w.settle(ctx, r, unavailable(w.operation, cause))
}

// repeat carries out a transaction of which it does not matter whether it
// takes effect more than once, or finds its effect there already: a condition
// that does not hold is no error.
func (w *write) repeat(ctx context.Context, r *Repository) error {
	var cause error
	for attempt := range maxAttempts {
		if !worthwhile(ctx) {
			break
		}
		err := w.send(ctx, r)
		if err == nil {
			return nil
		}
		if classify(err) == final {
			if canceled, ok := errors.AsType[*types.TransactionCanceledException](err); ok && refused(canceled.CancellationReasons) {
				return nil
			}
			return fmt.Errorf("%s: %w", w.operation, err)
		}
		cause, w.token = err, rand.Text()
		if repository.Backoff(ctx, attempt) != nil {
			break
		}
	}
	return unavailable(w.operation, cause)
}

// send makes one attempt.
func (w *write) send(ctx context.Context, r *Repository) error {
	_, err := attemptOnce(ctx, r, "TransactWriteItems", false,
		func(ctx context.Context) (*dynamodb.TransactWriteItemsOutput, *types.ConsumedCapacity, error) {
			out, err := r.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{
				TransactItems: w.items, ClientRequestToken: &w.token,
				ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
			}, once)
			if err != nil {
				return nil, nil, err
			}
			return out, total(out.ConsumedCapacity), nil
		})
	return err
}

// finish interprets an error that another attempt would only repeat.
func (w *write) finish(ctx context.Context, r *Repository, err error, maybe bool) error {
	failure := fmt.Errorf("%s: %w", w.operation, err)
	if canceled, ok := errors.AsType[*types.TransactionCanceledException](err); ok && refused(canceled.CancellationReasons) {
		no := &refusal{canceled.CancellationReasons}
		if there, ok := no.failed(len(w.items) - 1); ok && w.made(there) {
			return nil
		}
		failure = no
	}
	if maybe {
		return w.settle(ctx, r, failure)
	}
	return failure
}

// refused reports whether conditions are all that went wrong.
func refused(reasons []types.CancellationReason) bool {
	conditions := 0
	for _, reason := range reasons {
		switch code(reason) {
		case "None":
		case "ConditionalCheckFailed":
			conditions++
		default:
			return false
		}
	}
	return conditions > 0
}
