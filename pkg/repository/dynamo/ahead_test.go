package dynamo

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// parts yields the numbers below n, and then err unless it is nil.
func parts(n int, err error) iter.Seq2[int, error] {
	return func(yield func(int, error) bool) {
		for part := range n {
			if !yield(part, nil) {
				return
			}
		}
		if err != nil {
			yield(0, err)
		}
	}
}

// Elements come in the order of their parts, however long each part takes, and
// exactly as many parts as wanted are read at the same time.
func TestAhead(t *testing.T) {
	t.Parallel()
	for _, wide := range []int{0, 1, 2, 3, 8, 100} {
		synctest.Test(t, func(t *testing.T) {
			var running, most atomic.Int64
			read := func(_ context.Context, part int) iter.Seq2[int, error] {
				return func(yield func(int, error) bool) {
					most.Store(max(most.Load(), running.Add(1)))
					defer running.Add(-1)
					for n := range 4 {
						time.Sleep(time.Duration(1+(part*7+n*3)%5) * time.Second)
						if !yield(part*4+n, nil) {
							return
						}
					}
				}
			}
			var got []int
			for v, err := range ahead(t.Context(), parts(12, nil), func(int) int { return wide }, read) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, v)
			}
			want := make([]int, 48)
			for n := range want {
				want[n] = n
			}
			if !slices.Equal(got, want) || most.Load() != int64(min(max(wide, 1), 12)) {
				t.Errorf("%d wide: %v, %d parts at the same time", wide, got, most.Load())
			}
		})
	}
}

// The consumer is told of an error in its place, and of none after it.
func TestAheadFails(t *testing.T) {
	t.Parallel()
	late, inPart := errors.New("late"), errors.New("in part")
	for _, test := range []struct {
		partsErr error
		bad      int // The part that fails, after one element.
		want     string
	}{
		{nil, -1, "[0 10 20 30 40]"},
		{late, -1, "[0 10 20 30 40 late]"},
		{nil, 0, "[0 in part]"},
		{late, 2, "[0 10 20 in part]"},
	} {
		for _, wide := range []int{1, 2, 9} {
			read := func(_ context.Context, part int) iter.Seq2[int, error] {
				return func(yield func(int, error) bool) {
					if yield(part*10, nil) && part == test.bad {
						yield(0, inPart)
					}
				}
			}
			got := []any{}
			for v, err := range ahead(t.Context(), parts(5, test.partsErr), func(int) int { return wide }, read) {
				if err != nil {
					got = append(got, err)
				} else {
					got = append(got, v)
				}
			}
			if fmt.Sprint(got) != test.want {
				t.Errorf("%d wide, part %d fails: %v, want %s", wide, test.bad, got, test.want)
			}
		}
	}
}

// When the consumer stops, what is under way is cancelled, nothing more is read, and
// no goroutine is left.
func TestAheadStops(t *testing.T) {
	t.Parallel()
	for stopAfter := range 6 {
		synctest.Test(t, func(t *testing.T) {
			begun := 0
			var running, elements atomic.Int64
			read := func(ctx context.Context, part int) iter.Seq2[int, error] {
				begun++
				return func(yield func(int, error) bool) {
					running.Add(1)
					defer running.Add(-1)
					for n := range 100 {
						if part == 3 {
							<-ctx.Done() // A call that hangs.
							time.Sleep(time.Second)
						}
						if elements.Add(1); !yield(n, ctx.Err()) {
							return
						}
					}
				}
			}
			seen := 0
			for _, err := range ahead(t.Context(), parts(100, nil), func(int) int { return 4 }, read) {
				if err != nil {
					t.Fatal(err)
				}
				if seen++; seen > stopAfter {
					break
				}
			}
			// Two elements of each part that is not yet consumed.
			if n := running.Load(); n != 0 || begun != 4 || elements.Load() > int64(seen+3+3+3+1) {
				t.Errorf("%d parts are begun, %d are under way, %d elements were read", begun, n, elements.Load())
			}
		})
	}
}

// A context that ends is an error, and never the end of the answers.
func TestAheadCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	read := func(ctx context.Context, part int) iter.Seq2[int, error] {
		return func(yield func(int, error) bool) {
			if part == 2 {
				<-ctx.Done()
				yield(0, ctx.Err())
				return
			}
			yield(part, nil)
		}
	}
	var last error
	for v, err := range ahead(ctx, parts(5, nil), func(int) int { return 3 }, read) {
		if last = err; err == nil && v == 1 {
			cancel()
		}
	}
	if !errors.Is(last, context.Canceled) {
		t.Errorf("the last error is %v", last)
	}
}
