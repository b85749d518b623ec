package cleanup_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"instances/pkg/cleanup"
)

// A cleanup that is killed before or after any call of the repository, or for
// which any call fails, is followed by one that ends where an undisturbed one
// does. Running it once more does nothing.
func TestKilledAnywhere(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, open opener) {
		f := newFixture(t, open)
		f.story(t)
		if got, want := counts(f.sweep(t)), storyReport(f); !reflect.DeepEqual(got, want) {
			t.Fatalf("undisturbed:\n%+v, want\n%+v", got, want)
		}
		want := f.state(t)
		nothing := cleanup.Report{
			AsOf: f.Now(), Complete: true,
			IdleDeleted:   map[string]int{"timed": 0, "named": 0},
			DeletedPurged: map[string]int{"numbered": 0, "timed": 0, "named": 0},
		}
		if got := counts(f.sweep(t)); !reflect.DeepEqual(got, nothing) {
			t.Errorf("the second run reports\n%+v, want\n%+v", got, nothing)
		}
		f.wantState(t, "second run", want)

		// Each run is killed after its first write, so that there is one after
		// each state that a kill can leave. A table is slow to fill again.
		f = newFixture(t, open)
		f.story(t)
		kills := 0
		for ; disturb(t, f, 1, true, true, isWrite); kills++ {
			if kills > 50 {
				t.Fatal("there is no end")
			}
		}
		if kills != 2+1+3+8 {
			t.Errorf("%d runs were killed", kills)
		}
		f.wantState(t, "killed after each write", want)
	})
}

// On the embedded repository, which is fast, each call is disturbed on its own, in
// each way that leaves something else behind: a run that is killed before a call
// leaves what one leaves that is killed after the call before it, and a read leaves
// nothing.
func TestDisturbedAnywhere(t *testing.T) {
	t.Parallel()
	start := newFixture(t, openBolt)
	start.story(t)
	copied := start.copier(t)
	undisturbed := copied(t)
	undisturbed.sweep(t)
	want := undisturbed.state(t)
	every := func(string) bool { return true }
	for name, way := range map[string]struct {
		after, kill bool
		calls       func(method string) bool
		least       int
	}{
		"killed":            {true, true, every, 30},
		"fails":             {false, false, every, 30},
		"fails when it did": {true, false, isWrite, 14},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := 1
			for ; ; k++ {
				f := copied(t)
				if !disturb(t, f, k, way.after, way.kill, way.calls) {
					break
				}
				f.sweep(t)
				f.wantState(t, fmt.Sprintf("call %d", k), want)
			}
			if k <= way.least {
				t.Errorf("only %d runs were disturbed", k-1)
			}
		})
	}
}

// disturb runs a cleanup in which, of the calls that count, the one with number k
// fails, before or after it has taken effect; with kill, all later calls fail
// too. It returns false where there is no such call.
func disturb(t *testing.T, f *fixture, k int, after, kill bool, counts func(method string) bool) bool {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	calls, failed := 0, false
	fail := func() error {
		failed = true
		if kill {
			cancel()
		}
		return errInjected
	}
	r := faulty{Repository: f.store}
	r.before = func(method string) error {
		if failed && kill {
			calls++
			return errInjected
		}
		if !counts(method) {
			return nil
		}
		if calls++; calls == k && !after {
			return fail()
		}
		return nil
	}
	r.after = func(method string) error {
		if calls == k && after && counts(method) {
			return fail()
		}
		return nil
	}
	report, err := newSweeper(t, f.options(r)).Sweep(ctx, cleanup.Request{})
	if errors.Is(err, errInjected) != failed {
		t.Fatalf("call %d of %d: error %v", k, calls, err)
	}
	if failed && report.Complete == kill {
		t.Fatalf("call %d of %d, killed %t: %+v", k, calls, kill, report)
	}
	if kill && failed && calls > k {
		t.Fatalf("after call %d there were %d more", k, calls-k)
	}
	return failed
}
