package repository_test

import (
	"sync"
	"testing"

	"instances/pkg/repository"
)

func TestMeter(t *testing.T) {
	t.Parallel()
	t.Run("adds up", func(t *testing.T) {
		t.Parallel()
		ctx, meter := repository.WithMeter(t.Context())
		var calls sync.WaitGroup
		for range 50 {
			calls.Go(func() {
				repository.MeterFrom(ctx).Add(repository.Consumption{Calls: 1, ReadUnits: 0.5, WriteUnits: 2})
			})
		}
		calls.Wait()
		if got, want := meter.Total(), (repository.Consumption{Calls: 50, ReadUnits: 25, WriteUnits: 100}); got != want {
			t.Errorf("total is %+v, want %+v", got, want)
		}
	})
	t.Run("one for each request", func(t *testing.T) {
		t.Parallel()
		outer, first := repository.WithMeter(t.Context())
		inner, second := repository.WithMeter(outer)
		repository.MeterFrom(inner).Add(repository.Consumption{Calls: 1})
		if first.Total().Calls != 0 || second.Total().Calls != 1 {
			t.Errorf("calls are %d and %d, want 0 and 1", first.Total().Calls, second.Total().Calls)
		}
	})
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		meter := repository.MeterFrom(t.Context())
		meter.Add(repository.Consumption{Calls: 1})
		if got := meter.Total(); got != (repository.Consumption{}) {
			t.Errorf("total is %+v", got)
		}
	})
}
