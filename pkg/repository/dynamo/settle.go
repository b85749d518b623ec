package dynamo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/repository"
)

const (
	// settleReserve is how much of a request's time a write keeps back to find
	// out what became of it: a fifth of what is left, but no more than this.
	settleReserve = time.Second
	// settleTimeout bounds how long it may take to find out. A caller with a
	// deadline has its answer by then, however early that is.
	settleTimeout = 5 * time.Second
)

// keepBack returns ctx with a deadline that leaves time to settle.
func keepBack(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-min(settleReserve, time.Until(deadline)/5)))
}

// made reports whether the item is the marker of this write.
func (w *write) made(item map[string]types.AttributeValue) bool {
	var m marker
	return attributevalue.UnmarshalMap(item, &m) == nil && m.Write == w.id && !m.Fence
}

// settle finds out what became of a write that may have taken effect. It
// returns nil if it did, and otherwise failure, once it is certain that it
// never will: the marker then is a fence, which the write cannot pass. Where
// that does not succeed in time the error says that the outcome is unknown,
// and wraps none, since each would claim something.
func (w *write) settle(ctx context.Context, r *Repository, failure error) error {
	end := time.Now().Add(settleTimeout)
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(end) {
		end = deadline
	}
	// Even if nobody waits for the answer any more, the write must not take
	// effect later.
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), end)
	defer cancel()
	fence := newWrite("settle " + w.operation)
	if _, err := fence.put(r, marker{w.marker, w.id, true, time.Now().Add(markerLife).Unix()}, absent()); err != nil {
		return err
	}
	cause := failure
	for attempt := range maxAttempts {
		if !worthwhile(ctx) {
			break
		}
		err := fence.send(ctx, r)
		if err == nil {
			return failure
		}
		if canceled, ok := errors.AsType[*types.TransactionCanceledException](err); ok && refused(canceled.CancellationReasons) {
			if w.made(canceled.CancellationReasons[0].Item) {
				return nil
			}
			return failure
		}
		cause, fence.token = err, rand.Text()
		if classify(err) == final || repository.Backoff(ctx, attempt) != nil {
			break
		}
	}
	return fmt.Errorf("%s: outcome unknown: %s", w.operation, cause.Error())
}
