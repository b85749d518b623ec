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

	"instances/pkg/instance"
)

// transaction is a list of changes, each with a condition, that take effect all
// or not at all. The first error in making the list is the error of run.
type transaction struct {
	r         *Repository
	operation string
	// id is random, and what the marker holds.
	id string
	// token is DynamoDB's for the transaction. It may answer a token that it
	// knows as before, so an attempt needs another one if the last was rejected,
	// and the same one if the last may have succeeded.
	token    string
	changes  []types.TransactWriteItem
	refusals []refusal // one for each change
	// marker is the key of the item that only this write makes, which is the
	// last one.
	marker itemKey
	// layout is that by which an instance is written. For anything else it is
	// zero.
	layout layout
	err    error
}

// refusal returns the error that the failed condition of a change means, given
// the item that is there, which is empty if there is none.
type refusal func(stored item) error

// is returns a refusal that is always err.
func is(err error) refusal { return func(item) error { return err } }

// transaction starts a transaction. If the conditions of several changes fail,
// the first of them that has a refusal determines the error.
func (r *Repository) transaction(operation string) *transaction {
	return &transaction{r: r, operation: operation, id: rand.Text(), token: rand.Text()}
}

// write starts a transaction that writes an instance.
func (r *Repository) write(ctx context.Context, operation string) *transaction {
	w := r.transaction(operation)
	known, err := r.layout(ctx)
	w.layout = known
	w.fail(err)
	return w
}

// outdated reports whether the transaction relies on a layout that is not, or may
// not be, that of the table any more.
func (w *transaction) outdated(ctx context.Context) bool {
	if w.layout.until.IsZero() {
		return false
	}
	known, err := w.r.layout(ctx)
	return err != nil || known.former != w.layout.former || known.keepsNames != w.layout.keepsNames || known.dropsNames != w.layout.dropsNames
}

// put stores an item. Refused may be nil if only a fault can make the condition
// fail.
func (w *transaction) put(value any, condition expression.ConditionBuilder, refused refusal) {
	attributes, err := attributevalue.MarshalMap(value)
	w.fail(err)
	e := w.build(expression.NewBuilder().WithCondition(condition))
	w.add(refused, types.TransactWriteItem{Put: &types.Put{
		TableName: &w.r.table, Item: attributes, ConditionExpression: e.Condition(),
		ExpressionAttributeNames: e.Names(), ExpressionAttributeValues: e.Values(),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}})
}

// update changes an item; see put.
func (w *transaction) update(key itemKey, change expression.UpdateBuilder, condition expression.ConditionBuilder, refused refusal) {
	e := w.build(expression.NewBuilder().WithUpdate(change).WithCondition(condition))
	w.add(refused, types.TransactWriteItem{Update: &types.Update{
		TableName: &w.r.table, Key: key.attributes(), UpdateExpression: e.Update(), ConditionExpression: e.Condition(),
		ExpressionAttributeNames: e.Names(), ExpressionAttributeValues: e.Values(),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}})
}

// remove deletes an item; see put.
func (w *transaction) remove(key itemKey, condition expression.ConditionBuilder, refused refusal) {
	e := w.build(expression.NewBuilder().WithCondition(condition))
	w.add(refused, types.TransactWriteItem{Delete: &types.Delete{
		TableName: &w.r.table, Key: key.attributes(), ConditionExpression: e.Condition(),
		ExpressionAttributeNames: e.Names(), ExpressionAttributeValues: e.Values(),
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}})
}

// check refuses the transaction unless an item is as the condition says.
func (w *transaction) check(key itemKey, condition expression.ConditionBuilder) {
	e := w.build(expression.NewBuilder().WithCondition(condition))
	w.add(nil, types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: &w.r.table, Key: key.attributes(), ConditionExpression: e.Condition(),
		ExpressionAttributeNames: e.Names(), ExpressionAttributeValues: e.Values(),
	}})
}

// enter makes sure that the collection is in the stored directory, unless the
// transaction cannot run anyway.
func (w *transaction) enter(ctx context.Context, k instance.Key) {
	if w.err == nil {
		w.fail(w.r.enter(ctx, k.Kind, k.Collection))
	}
}

func (w *transaction) build(b expression.Builder) expression.Expression {
	e, err := b.Build()
	w.fail(err)
	return e
}

func (w *transaction) add(refused refusal, change types.TransactWriteItem) {
	w.changes, w.refusals = append(w.changes, change), append(w.refusals, refused)
}

// fail makes err, unless it is nil, the result of the transaction.
func (w *transaction) fail(err error) {
	if w.err == nil && err != nil {
		w.err = fmt.Errorf("%s: %w", w.operation, err)
	}
}

// absent is the condition that the item does not exist.
func absent() expression.ConditionBuilder {
	return expression.AttributeNotExists(expression.Name("pk"))
}

// always is the condition that holds whether or not the item exists.
func always() expression.ConditionBuilder {
	return absent().Or(expression.AttributeExists(expression.Name("pk")))
}

// run carries out the transaction, once. Its error is that of a refusal, or
// [instance.ErrUnavailable] if there was not enough time. Unless the error says
// that the outcome is unknown, nothing has been changed and nothing will be.
func (w *transaction) run(ctx context.Context) error {
	if w.marker == (itemKey{}) {
		w.marker = itemKey{"write#" + w.id, "marker"}
		w.put(marker{w.marker, w.id, false, time.Now().Add(markerLife).Unix()}, absent(), nil)
	}
	if w.err != nil {
		return w.err
	}
	sendCtx, cancel := keepBack(ctx)
	defer cancel()
	var failure error
	maybe := false // Whether an attempt may have taken effect.
loop:
	for range attempts(sendCtx) {
		if w.outdated(sendCtx) {
			break
		}
		if failure = w.send(sendCtx); failure == nil {
			return nil
		}
		switch classify(failure) {
		case final:
			break loop
		case unsure:
			maybe = true
		case rejected:
			w.token = rand.Text()
		}
	}
	last := len(w.changes) - 1
	if reasons := refusedBy(failure); last < len(reasons) && w.made(reasons[last].Item) {
		return nil
	}
	if maybe {
		if made, err := w.settle(ctx, failure); made || err != nil {
			return err
		}
	}
	return w.explain(failure)
}

// repeat carries out a transaction that may take effect more than once, or find
// its effect there already. It reports whether a condition failed, which is not an
// error.
func (w *transaction) repeat(ctx context.Context) (refused bool, err error) {
	if w.err != nil {
		return false, w.err
	}
	var failure error
	for range attempts(ctx) {
		if failure = w.send(ctx); failure == nil {
			return false, nil
		}
		if refusedBy(failure) != nil {
			return true, nil
		}
		if classify(failure) == final {
			break
		}
		w.token = rand.Text()
	}
	return false, w.explain(failure)
}

// send makes one attempt.
func (w *transaction) send(ctx context.Context) error {
	_, err := attemptOnce(ctx, w.r, "TransactWriteItems", false,
		func(ctx context.Context) (*dynamodb.TransactWriteItemsOutput, *types.ConsumedCapacity, error) {
			out, err := w.r.client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{
				TransactItems: w.changes, ClientRequestToken: &w.token,
				ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
			}, once)
			if err != nil {
				return nil, nil, err
			}
			return out, total(out.ConsumedCapacity), nil
		})
	return err
}

// explain returns the error of a transaction whose last attempt failed with
// failure, or that had no time for one if that is nil.
func (w *transaction) explain(failure error) error {
	if failure == nil || classify(failure) != final {
		return unavailable(w.operation, failure)
	}
	reasons := refusedBy(failure)
	for n, refused := range w.refusals {
		if n < len(reasons) && refused != nil && code(reasons[n]) == conditionFailed {
			return refused(reasons[n].Item)
		}
	}
	return fmt.Errorf("%s: %w", w.operation, failure)
}

// conditionFailed is the code of a change whose condition did not hold.
const conditionFailed = "ConditionalCheckFailed"

// refusedBy returns the reasons, one for each change, if failed conditions and
// nothing else are why a transaction was cancelled; otherwise nil.
func refusedBy(err error) []types.CancellationReason {
	canceled, ok := errors.AsType[*types.TransactionCanceledException](err)
	if !ok {
		return nil
	}
	conditions := 0
	for _, reason := range canceled.CancellationReasons {
		switch code(reason) {
		case "None":
		case conditionFailed:
			conditions++
		default:
			return nil
		}
	}
	if conditions == 0 {
		return nil
	}
	return canceled.CancellationReasons
}
