package cleanup_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"instances/pkg/cleanup"
	"instances/pkg/instance"
)

// timer is the time to a deadline, which passes as the test has it.
type timer struct{ left time.Duration }

func (c *timer) Until(time.Time) time.Duration { return c.left }

// withDeadline returns a context with a deadline that the test does not reach:
// how far it is, the timer says.
func withDeadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	t.Cleanup(cancel)
	return ctx
}

// A cleanup with too little time to begin does nothing and says so.
func TestNoTime(t *testing.T) {
	t.Parallel()
	for _, left := range []time.Duration{20 * time.Second, time.Second, 0, -time.Hour} {
		f := newFixture(t, openBolt)
		f.story(t)
		before := f.state(t)
		o := f.options(faulty{Repository: f.store, before: func(method string) error {
			t.Errorf("%s is called", method)
			return errInjected
		}})
		o.Until = (&timer{left}).Until
		s := newSweeper(t, o)
		swept, err := s.Sweep(withDeadline(t), cleanup.Request{})
		previewed, err2 := s.Preview(withDeadline(t), time.Time{}, nil)
		for _, got := range []struct {
			report cleanup.Report
			err    error
		}{{swept, err}, {previewed, err2}} {
			if !errors.Is(got.err, cleanup.ErrNoTime) || got.report.Complete || len(got.report.Stopped) != 10 || tally(got.report) != 0 {
				t.Errorf("%v left: %+v, %v", left, got.report, got.err)
			}
		}
		f.wantState(t, "no time", before)
	}
}

// A cleanup stops before its deadline and says where; the next ones go on, and
// the end is that of one with all the time.
func TestDeadline(t *testing.T) {
	t.Parallel()
	undisturbed := newFixture(t, openBolt)
	undisturbed.story(t)
	undisturbed.sweep(t)
	want := undisturbed.state(t)

	f := newFixture(t, openBolt)
	f.story(t)
	clock := &timer{}
	o := f.options(faulty{Repository: f.store, after: func(string) error {
		clock.left -= time.Second
		return nil
	}})
	o.Until = clock.Until
	s := newSweeper(t, o)
	runs := 0
	for ; ; runs++ {
		// Of the last 20 seconds, none is used to begin anything.
		clock.left = 40 * time.Second
		report, err := s.Sweep(withDeadline(t), cleanup.Request{})
		if err != nil {
			t.Fatal(err)
		}
		if clock.left < 15*time.Second {
			t.Errorf("run %d ended %v before the deadline", runs, clock.left)
		}
		if report.Complete {
			break
		}
		if len(report.Stopped) == 0 || tally(report) == 0 || runs > 10 {
			t.Fatalf("run %d: %+v", runs, report)
		}
	}
	if runs == 0 {
		t.Error("the first run had time for everything")
	}
	f.wantState(t, "the last run", want)
}

// No step can take the time of the others.
func TestShares(t *testing.T) {
	t.Parallel()
	f := newFixture(t, openBolt)
	for k := range 100 {
		f.create(t, timed(), string(rune('A'+k/26))+string(rune('A'+k%26)), true)
	}
	f.create(t, named(), "gone", false)
	f.remove(t, named(), "gone")
	f.advance(retention + time.Second)
	clock := &timer{60 * time.Second}
	o := f.options(faulty{Repository: f.store, after: func(string) error {
		clock.left -= 500 * time.Millisecond
		return nil
	}})
	o.Until = clock.Until
	report, err := newSweeper(t, o).Sweep(withDeadline(t), cleanup.Request{})
	if err != nil {
		t.Fatal(err)
	}
	if idle := report.IdleDeleted["timed"]; idle == 0 || idle == 100 || report.DeletedPurged["named"] != 1 {
		t.Errorf("%+v", report)
	}
	if !slices.Equal(report.Stopped, []string{"delete idle timed instances"}) {
		t.Errorf("stopped at %q", report.Stopped)
	}
}

// A call that takes too long is given up in time for the report, which names
// it.
func TestHangingCall(t *testing.T) {
	t.Parallel()
	f := newFixture(t, openBolt)
	f.story(t)
	r := hanging{faulty{Repository: f.store}}
	o := f.options(r)
	o.Until = func(time.Time) time.Duration { return time.Minute }
	// The real deadline is little more than its margin away.
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second+100*time.Millisecond)
	defer cancel()
	report, err := newSweeper(t, o).Sweep(ctx, cleanup.Request{})
	if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
		t.Errorf("error %v, context %v", err, ctx.Err())
	}
	if report.Complete || len(report.Stopped) != 10 || !strings.Contains(err.Error(), report.Stopped[0]) {
		t.Errorf("%+v, %v", report, err)
	}
}

// hanging deletes nothing, and returns only when it is given up.
type hanging struct{ faulty }

func (hanging) Delete(ctx context.Context, _ instance.Key, _ instance.Change, _ func(instance.Instance) error) error {
	<-ctx.Done()
	return ctx.Err()
}
