package dynamo

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"
)

const (
	// settleReserve is how much of a request's time a write keeps back to find
	// out what became of it: a fifth of what is left, but no more than this.
	settleReserve = time.Second
	// settleTimeout bounds how long finding out may take. It ends at the
	// caller's deadline if that is earlier.
	settleTimeout = 5 * time.Second
)

// markerLife is how long a marker that is not a history record is kept: longer
// than a write can be on its way.
const markerLife = 24 * time.Hour

// keepBack returns ctx with a deadline that leaves time to settle.
func keepBack(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-min(settleReserve, time.Until(deadline)/5)))
}

// marker tells a write that it has taken effect or, as a fence, that it never
// can.
type marker struct {
	itemKey
	Write   string `dynamodbav:"w"`
	Fence   bool   `dynamodbav:"fence,omitempty"`
	Expires int64  `dynamodbav:"expires,omitempty"`
}

// made reports whether the item is the marker of this write.
func (w *transaction) made(stored item) bool {
	m, err := decode[marker](stored)
	return err == nil && m.Write == w.id && !m.Fence
}

// settle finds out whether a write, whose last attempt failed with failure, has
// taken effect. If it has not, it never will: the marker then is a fence, which
// the write cannot pass. If that cannot be found out in time, the error says that
// the outcome is unknown. It wraps none, since each would claim something.
func (w *transaction) settle(ctx context.Context, failure error) (made bool, err error) {
	end := time.Now().Add(settleTimeout)
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(end) {
		end = deadline
	}
	// Even if nobody waits for the answer any more, the write must not take
	// effect later.
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), end)
	defer cancel()
	fence := w.r.transaction("settle " + w.operation)
	fence.put(marker{w.marker, w.id, true, time.Now().Add(markerLife).Unix()}, absent(), nil)
	if fence.err != nil {
		return false, fence.err
	}
	for range attempts(ctx) {
		if failure = fence.send(ctx); failure == nil {
			return false, nil
		}
		if reasons := refusedBy(failure); reasons != nil {
			return w.made(reasons[0].Item), nil
		}
		if classify(failure) == final {
			break
		}
		fence.token = rand.Text()
	}
	return false, fmt.Errorf("%s: outcome unknown: %s", w.operation, failure.Error())
}
