package repository_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"instances/pkg/instance"
	"instances/pkg/repository"
)

// The waits between attempts are random, up to a bound that doubles.
func TestAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		longest := map[int]time.Duration{}
		for range 1000 {
			count, last := 0, time.Now()
			for attempt := range repository.Attempts(t.Context()) {
				if attempt != count {
					t.Fatalf("attempt %d has the number %d", count, attempt)
				}
				count++
				longest[attempt] = max(longest[attempt], time.Since(last))
				last = time.Now()
			}
			if count != 50 {
				t.Fatalf("%d attempts", count)
			}
		}
		for attempt, bound := range map[int]time.Duration{
			0:  0,
			1:  10 * time.Millisecond,
			2:  20 * time.Millisecond,
			7:  640 * time.Millisecond,
			8:  time.Second,
			9:  time.Second,
			49: time.Second,
		} {
			// That none of so many is in the upper half does not happen.
			if got := longest[attempt]; got > bound || got < bound/2 {
				t.Errorf("attempt %d waits %v at most, the bound is %v", attempt, got, bound)
			}
		}
	})
}

func TestAttemptsEnd(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		limit func(context.Context) (context.Context, context.CancelFunc)
		least int
		most  int
	}{
		"before the deadline": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 5*time.Second)
		}, 6, 49},
		"at once": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Nanosecond)
		}, 1, 1},
		"cancelled": {func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			return ctx, cancel
		}, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := test.limit(t.Context())
				defer cancel()
				wasDone, count := ctx.Err() != nil, 0
				for range repository.Attempts(ctx) {
					count++
				}
				if count < test.least || count > test.most {
					t.Errorf("%d attempts, want %d to %d", count, test.least, test.most)
				}
				if !wasDone && ctx.Err() != nil {
					t.Error("the deadline has passed")
				}
			})
		})
	}
}

func TestLostRace(t *testing.T) {
	t.Parallel()
	busy := repository.Busy("operation")
	if !errors.Is(busy, instance.ErrUnavailable) || !errors.Is(busy, instance.ErrConflict) {
		t.Errorf("busy is %v", busy)
	}
	for err, want := range map[error]bool{nil: false, instance.ErrConflict: true, instance.ErrNotFound: false, busy: false} {
		if repository.LostRace(err) != want {
			t.Errorf("%v is a lost race: %v", err, !want)
		}
	}
}
