package dynamo

import (
	"context"
	"iter"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/repository"
	"instances/pkg/repository/capacity"
)

const (
	// attemptTimeout bounds one attempt, so that a connection that hangs does
	// not use up the time of a request.
	attemptTimeout = 3 * time.Second
	// minAttempt is the least time that an attempt is worth starting with.
	minAttempt = 5 * time.Millisecond
)

// retry makes a call that reads, or a write that may take effect twice, until it
// succeeds, fails for good, or the deadline of ctx is near.
func retry[T any](ctx context.Context, r *Repository, operation string, read bool,
	send func(context.Context) (T, *types.ConsumedCapacity, error),
) (T, error) {
	var cause error
	for range attempts(ctx) {
		out, err := attemptOnce(ctx, r, operation, read, send)
		if err == nil || classify(err) == final {
			return out, err
		}
		cause = err
	}
	var none T
	return none, unavailable(operation, cause)
}

// attempts is [repository.Attempts] for as long as there is time for a call.
func attempts(ctx context.Context) iter.Seq[int] {
	return func(yield func(int) bool) {
		for attempt := range repository.Attempts(ctx) {
			deadline, ok := ctx.Deadline()
			if ctx.Err() != nil || ok && time.Until(deadline) < minAttempt || !yield(attempt) {
				return
			}
		}
	}
}

// attemptOnce makes one call, and adds what it consumed to the meter in ctx.
func attemptOnce[T any](ctx context.Context, r *Repository, operation string, read bool,
	send func(context.Context) (T, *types.ConsumedCapacity, error),
) (T, error) {
	sendCtx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	out, consumed, err := send(sendCtx)
	used := capacity.Consumed{Calls: 1}
	if consumed != nil && consumed.CapacityUnits != nil {
		if read {
			used.ReadUnits = *consumed.CapacityUnits
		} else {
			used.WriteUnits = *consumed.CapacityUnits
		}
	}
	capacity.MeterFrom(ctx).Add(used)
	r.log(ctx, operation, used, err)
	r.logThrottle(ctx, operation, err)
	return out, err
}

// log writes a debug record for a call.
func (r *Repository) log(ctx context.Context, operation string, used capacity.Consumed, err error) {
	if !r.logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attributes := []slog.Attr{
		slog.String("operation", operation),
		slog.Float64("read_units", used.ReadUnits),
		slog.Float64("write_units", used.WriteUnits),
	}
	if err != nil {
		attributes = append(attributes, slog.String("error", err.Error()))
	}
	r.logger.LogAttrs(ctx, slog.LevelDebug, "dynamodb", attributes...)
}

// total returns the sum of what a call consumed.
func total(parts []types.ConsumedCapacity) *types.ConsumedCapacity {
	sum := 0.0
	for _, part := range parts {
		if part.CapacityUnits != nil {
			sum += *part.CapacityUnits
		}
	}
	return &types.ConsumedCapacity{CapacityUnits: &sum}
}
