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

func TestDelay(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		attempt int
		bound   time.Duration
	}{
		{0, 10 * time.Millisecond},
		{1, 20 * time.Millisecond},
		{6, 640 * time.Millisecond},
		{7, time.Second},
		{8, time.Second},
		{1000, time.Second},
	} {
		longest := time.Duration(0)
		for range 1000 {
			delay := repository.Delay(test.attempt)
			if delay < 0 || delay >= test.bound {
				t.Fatalf("attempt %d waits %v, the bound is %v", test.attempt, delay, test.bound)
			}
			longest = max(longest, delay)
		}
		// That none of so many is in the upper half does not happen.
		if longest < test.bound/2 {
			t.Errorf("attempt %d waits %v at most, the bound is %v", test.attempt, longest, test.bound)
		}
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	t.Run("waits", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			for range 100 {
				if err := repository.Backoff(t.Context(), 7); err != nil {
					t.Fatal(err)
				}
			}
			if waited := time.Since(began); waited <= 0 || waited >= 100*time.Second {
				t.Errorf("waited %v", waited)
			}
		})
	})

	t.Run("not beyond the deadline", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
			defer cancel()
			began := time.Now()
			if err := repository.Backoff(ctx, 7); !errors.Is(err, instance.ErrUnavailable) {
				t.Errorf("error is %v", err)
			}
			if waited := time.Since(began); waited != 0 {
				t.Errorf("waited %v", waited)
			}
		})
	})

	t.Run("cancelled meanwhile", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			began := time.Now()
			cancel()
			if err := repository.Backoff(ctx, 1000); !errors.Is(err, instance.ErrUnavailable) {
				t.Errorf("error is %v", err)
			}
			if waited := time.Since(began); waited != 0 {
				t.Errorf("waited %v", waited)
			}
		})
	})
}
