package cleanup_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"instances/pkg/cleanup"
	"instances/pkg/instance"
)

// within calls do with a context that ends after that time. The tests of
// deadlines run in bubbles: time passes when they sleep.
func within(t *testing.T, d time.Duration, do func(ctx context.Context, deadline time.Time)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	do(ctx, time.Now().Add(d))
}

// slow is a repository whose calls take that time.
func slow(f *fixture, d time.Duration) cleanup.Repository {
	return faulty{Repository: f.store, after: func(string) error {
		time.Sleep(d)
		return nil
	}}
}

// A cleanup with too little time to begin does nothing and says so.
func TestNoTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, openBolt)
		f.story(t)
		before := f.state(t)
		s := newSweeper(t, f.options(faulty{Repository: f.store, before: func(method string) error {
			t.Errorf("%s is called", method)
			return errInjected
		}}))
		for _, left := range []time.Duration{20 * time.Second, time.Second, 0, -time.Hour} {
			within(t, left, func(ctx context.Context, _ time.Time) {
				swept, err := s.Sweep(ctx, cleanup.Request{})
				previewed, err2 := s.Preview(ctx, time.Time{}, nil)
				for _, got := range []struct {
					report cleanup.Report
					err    error
				}{{swept, err}, {previewed, err2}} {
					if !errors.Is(got.err, cleanup.ErrNoTime) || got.report.Complete || len(got.report.Stopped) != 7 || tally(got.report) != 0 {
						t.Errorf("%v left: %+v, %v", left, got.report, got.err)
					}
				}
			})
		}
		f.wantState(t, "no time", before)
	})
}

// A cleanup stops before its deadline and says where; the next ones go on, and
// the end is that of one with all the time.
func TestDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		undisturbed := newFixture(t, openBolt)
		undisturbed.story(t)
		undisturbed.sweep(t)
		want := undisturbed.state(t)

		f := newFixture(t, openBolt)
		f.story(t)
		s := newSweeper(t, f.options(slow(f, time.Second)))
		runs, complete := 0, false
		for ; !complete; runs++ {
			// Of the last 20 seconds, none is used to begin anything.
			within(t, 40*time.Second, func(ctx context.Context, deadline time.Time) {
				report, err := s.Sweep(ctx, cleanup.Request{})
				if err != nil {
					t.Fatal(err)
				}
				if left := time.Until(deadline); left < 15*time.Second {
					t.Errorf("run %d ended %v before the deadline", runs, left)
				}
				complete = report.Complete
				if !complete && (len(report.Stopped) == 0 || tally(report) == 0 || runs > 10) {
					t.Fatalf("run %d: %+v", runs, report)
				}
			})
		}
		if runs == 1 {
			t.Error("the first run had time for everything")
		}
		f.wantState(t, "the last run", want)
	})
}

// No step can take the time of the others.
func TestShares(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, openBolt)
		for k := range 100 {
			f.create(t, timed(), string(rune('A'+k/26))+string(rune('A'+k%26)), true)
		}
		f.create(t, named(), "gone", false)
		f.remove(t, named(), "gone")
		f.advance(retention + time.Second)
		within(t, time.Minute, func(ctx context.Context, _ time.Time) {
			report, err := newSweeper(t, f.options(slow(f, 500*time.Millisecond))).Sweep(ctx, cleanup.Request{})
			if err != nil {
				t.Fatal(err)
			}
			if idle := report.IdleDeleted["timed"]; idle == 0 || idle == 100 || report.DeletedPurged["named"] != 1 {
				t.Errorf("%+v", report)
			}
			if !slices.Equal(report.Stopped, []string{"delete idle timed instances"}) {
				t.Errorf("stopped at %q", report.Stopped)
			}
		})
	})
}

// A call that takes too long is given up: its step is reported, and the others
// have their time.
func TestHangingCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, openBolt)
		f.story(t)
		within(t, time.Minute, func(ctx context.Context, deadline time.Time) {
			report, err := newSweeper(t, f.options(hanging{faulty{Repository: f.store}})).Sweep(ctx, cleanup.Request{})
			if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
				t.Errorf("error %v, context %v", err, ctx.Err())
			}
			if left := time.Until(deadline); left < 20*time.Second {
				t.Errorf("it ended %v before the deadline", left)
			}
			if want := []string{"delete idle timed instances", "delete idle named instances"}; !slices.Equal(report.Stopped, want) || report.Failed != 2 {
				t.Errorf("%+v", report)
			}
			if report.KeysPurged != 3 || report.DeletedPurged["named"] != 3 {
				t.Errorf("the other steps did %+v", report)
			}
		})
	})
}

// hanging deletes nothing, and returns only when it is given up.
type hanging struct{ faulty }

func (hanging) Delete(ctx context.Context, _ instance.Key, _ instance.Change, _ *instance.Idempotency, _ func(instance.Instance) error) error {
	<-ctx.Done()
	return ctx.Err()
}
