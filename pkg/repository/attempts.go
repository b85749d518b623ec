package repository

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"time"

	"instances/pkg/instance"
)

const (
	// maxAttempts bounds the attempts of a caller that has no deadline.
	maxAttempts = 50
	// firstDelay and maxDelay bound the jittered waits between attempts.
	firstDelay = 10 * time.Millisecond
	maxDelay   = time.Second
)

// Attempts yields the number of each attempt at something, from 0, with a
// random wait up to a bound that doubles with each attempt in between ("full
// jitter"). It ends when the next wait would outlast the deadline of ctx, when
// ctx is done, and after 50 attempts. There always is a first one.
func Attempts(ctx context.Context) iter.Seq[int] {
	return func(yield func(int) bool) {
		for attempt := range maxAttempts {
			if attempt > 0 && !wait(ctx, delay(attempt-1)) || !yield(attempt) {
				return
			}
		}
	}
}

// delay returns how long to wait after the attempt.
func delay(attempt int) time.Duration {
	bound := maxDelay
	if attempt < 7 {
		bound = min(maxDelay, firstDelay<<attempt)
	}
	return rand.N(bound)
}

// wait waits for d, and reports whether there is time left then.
func wait(ctx context.Context, d time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// LostRace reports whether err says that another write came first, so that
// reading again and another attempt may succeed.
func LostRace(err error) bool {
	return errors.Is(err, instance.ErrConflict) && !errors.Is(err, instance.ErrUnavailable)
}

// Busy is the error of an operation whose every attempt lost its race. It is
// both [instance.ErrUnavailable] and [instance.ErrConflict].
func Busy(operation string) error {
	return fmt.Errorf("%s: %w: %w", operation, instance.ErrUnavailable, instance.ErrConflict)
}
