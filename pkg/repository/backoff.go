package repository

import (
	"context"
	"math/rand/v2"
	"time"

	"instances/pkg/instance"
)

const (
	// firstDelay and maxDelay bound the jittered waits between attempts.
	firstDelay = 10 * time.Millisecond
	maxDelay   = time.Second
)

// Delay returns how long to wait before the attempt after the given one,
// which counts from 0: a random time up to a bound that doubles with each
// attempt ("full jitter").
func Delay(attempt int) time.Duration {
	bound := maxDelay
	if attempt < 7 {
		bound = min(maxDelay, firstDelay<<attempt)
	}
	return rand.N(bound)
}

// Backoff waits for [Delay]. Where the deadline of ctx would pass in the
// meantime, or ctx is done, it returns [instance.ErrUnavailable] at once.
func Backoff(ctx context.Context, attempt int) error {
	delay := Delay(attempt)
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= delay {
		return instance.ErrUnavailable
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return instance.ErrUnavailable
	case <-timer.C:
		return nil
	}
}
