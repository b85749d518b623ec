package cleanup_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"instances/pkg/cleanup"
	"instances/pkg/repository/bolt"
)

// A cleanup that is killed before or after any call of the repository, or for
// which any call fails, is followed by one that ends where an undisturbed one
// does.
func TestKilledAnywhere(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, open opener) {
		told := newFixture(t, open)
		told.story(t)
		f := told.again(t, open)
		before := f.state(t)
		if got, want := counts(f.sweep(t)), storyReport(f); !reflect.DeepEqual(got, want) {
			t.Fatalf("undisturbed:\n%+v, want\n%+v", got, want)
		}
		want := f.state(t)
		if reflect.DeepEqual(before, want) {
			t.Fatal("nothing was due")
		}

		disturbed := 0
		all := func(after, kill bool) {
			for k := 1; ; k++ {
				f := told.again(t, open)
				if !disturb(t, f, k, after, kill) {
					return
				}
				disturbed++
				f.sweep(t)
				f.wantState(t, fmt.Sprintf("call %d, after it: %t, killed: %t", k, after, kill), want)
			}
		}
		// To be killed after a call is to be killed before the next one.
		all(true, true)
		least := 20
		if _, ok := f.store.(*bolt.Repository); ok {
			// What follows a failed call is the same cleanup on both.
			all(false, true)
			all(true, false)
			all(false, false)
			least *= 4
		}
		if disturbed < least {
			t.Errorf("only %d runs were disturbed", disturbed)
		}
	})
}

// disturb runs a cleanup whose call k fails, before or after it has taken
// effect; with kill, all later calls fail too. It returns false where there is
// no such call.
func disturb(t *testing.T, f *fixture, k int, after, kill bool) bool {
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
	r.before = func(string) error {
		calls++
		if failed && kill {
			return errInjected
		}
		if calls == k && !after {
			return fail()
		}
		return nil
	}
	r.after = func(string) error {
		if calls == k && after {
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

// Running it twice is the same as once.
func TestTwice(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, open opener) {
		f := newFixture(t, open)
		f.story(t)
		f.sweep(t)
		want := f.state(t)
		got := counts(f.sweep(t))
		nothing := cleanup.Report{
			AsOf: f.Now(), Complete: true,
			IdleDeleted:   map[string]int{"timed": 0, "named": 0},
			DeletedPurged: map[string]int{"numbered": 0, "timed": 0, "named": 0},
		}
		if !reflect.DeepEqual(got, nothing) {
			t.Errorf("the second run reports\n%+v, want\n%+v", got, nothing)
		}
		f.wantState(t, "second run", want)
	})
}
