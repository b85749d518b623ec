package capacity_test

import (
	"sync"
	"testing"

	"instances/pkg/repository/capacity"
)

func TestMeter(t *testing.T) {
	t.Parallel()
	t.Run("adds up", func(t *testing.T) {
		t.Parallel()
		ctx, meter := capacity.WithMeter(t.Context())
		var calls sync.WaitGroup
		for range 50 {
			calls.Go(func() {
				capacity.MeterFrom(ctx).Add(capacity.Consumed{Calls: 1, ReadUnits: 0.5, WriteUnits: 2})
			})
		}
		calls.Wait()
		if got, want := meter.Total(), (capacity.Consumed{Calls: 50, ReadUnits: 25, WriteUnits: 100}); got != want {
			t.Errorf("total is %+v, want %+v", got, want)
		}
	})
	t.Run("one for each request", func(t *testing.T) {
		t.Parallel()
		outer, first := capacity.WithMeter(t.Context())
		inner, second := capacity.WithMeter(outer)
		capacity.MeterFrom(inner).Add(capacity.Consumed{Calls: 1})
		if first.Total().Calls != 0 || second.Total().Calls != 1 {
			t.Errorf("calls are %d and %d, want 0 and 1", first.Total().Calls, second.Total().Calls)
		}
	})
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		meter := capacity.MeterFrom(t.Context())
		meter.Add(capacity.Consumed{Calls: 1})
		if got := meter.Total(); got != (capacity.Consumed{}) {
			t.Errorf("total is %+v", got)
		}
	})
}
