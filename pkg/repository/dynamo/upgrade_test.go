package dynamo_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/fold"
	"instances/pkg/instance"
	"instances/pkg/repository/dynamo"
)

// fleet is a table that several processes use while it is upgraded. Each knows the
// layout for a minute of their clock, which goes on only while the upgrade waits.
type fleet struct {
	*fixture
	mu        sync.Mutex
	clock     time.Time
	processes []*dynamo.Repository
	random    *rand.Rand
	// live are the instances that there are, and gone those that can come back.
	live, gone []instance.Instance
	next       int64
}

// newFleet fills a table as layout 1 was, without a layout item.
func newFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{fixture: newFixture(t), clock: time.Now(), random: rand.New(rand.NewPCG(1, 2))}
	must(t, failure(f.NextNumber(t.Context(), numbered()))) // It enters the collection.
	for f.next = 1; f.next <= 4; f.next++ {
		i := f.fresh(f.next)
		i.Code, i.Name = "", f.name()
		f.live = append(f.live, i)
	}
	f.age(t)
	for range 3 {
		f.processes = append(f.processes, dynamo.New(dynamo.Config{
			Client: f.table.Client(nil), Table: f.table.Name, Now: f.now, IndexedNames: true,
		}))
	}
	return f
}

// age makes a table without name rows one of layout 1 again.
func (f *fleet) age(t *testing.T) {
	t.Helper()
	setLayout(t, f.table, nil)
	var items []map[string]types.AttributeValue
	for _, i := range f.live {
		items = append(items, oldItem(t, i))
	}
	f.fill(t, items)
	_ = f.after(time.Minute)
}

// oldItem returns the item of an instance as layout 1 was.
func oldItem(t *testing.T, i instance.Instance) map[string]types.AttributeValue {
	t.Helper()
	item, err := dynamo.EncodeItem(i)
	must(t, err)
	for _, name := range []string{"spk", "ssk", "tpk", "tsk", "npk"} {
		delete(item, name)
	}
	for name, text := range map[string]string{
		"npk": i.Kind.Name + "#" + i.Collection, "nsk": i.SortKey(),
		"fname": fold.String(i.Name), "fgroup": fold.String(i.Group), "fsubgroup": fold.String(i.SubGroup),
	} {
		if text != "" {
			item[name] = &types.AttributeValueMemberS{Value: text}
		}
	}
	return item
}

func (f *fleet) now() time.Time { return f.clock }

// after lets the time pass at once.
func (f *fleet) after(d time.Duration) <-chan time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.clock = f.clock.Add(d)
	passed := make(chan time.Time, 1)
	passed <- f.clock
	return passed
}

// name returns one of few names, so that parts of them match some.
func (f *fleet) name() string {
	parts := []string{"", "ab", "ba", "É", "aab", strings.Repeat("ab", 23)}
	return parts[f.random.IntN(len(parts))] + parts[f.random.IntN(len(parts))]
}

// write has one of the processes change something.
func (f *fleet) write(ctx context.Context) error {
	r := f.processes[f.random.IntN(len(f.processes))]
	what, n := f.random.IntN(8), f.random.IntN(len(f.live))
	switch {
	case what == 0 && len(f.live) < 6:
		i := f.fresh(f.next)
		f.next++
		i.Name = f.name()
		f.live = append(f.live, i)
		return r.Create(ctx, i, f.change("create"), nil)
	case what == 1 && len(f.live) > 2:
		f.gone = append(f.gone, f.live[n])
		key := f.live[n].Key()
		f.live = slices.Delete(f.live, n, n+1)
		return r.Delete(ctx, key, f.change("delete"), nil, nil)
	case what == 2 && len(f.gone) > 0 && len(f.live) < 6:
		back, err := r.Restore(ctx, f.gone[0].Key(), f.change("restore"))
		f.live, f.gone = append(f.live, back), f.gone[1:]
		return err
	default:
		after := f.live[n]
		if after.Status = fmt.Sprint("status ", f.random.IntN(6)); what%2 == 0 {
			after.Name = f.name()
		}
		after, err := r.Replace(ctx, f.live[n], after, f.change("replace"), nil)
		f.live[n] = after
		return err
	}
}

// check fails the test unless each process finds what there is.
func (f *fleet) check(t *testing.T, when string) {
	t.Helper()
	slices.SortFunc(f.live, func(a, b instance.Instance) int { return cmp.Compare(a.SortKey(), b.SortKey()) })
	for n, q := range []instance.Query{{Name: "ab"}, {Name: "É"}, {Status: "status 3"}, {Name: "a", Status: "status 4"}} {
		q.Kind = numbered()
		var want []string
		for _, i := range f.live {
			if strings.Contains(fold.String(i.Name), fold.String(q.Name)) && (q.Status == "" || i.Status == q.Status) {
				want = append(want, i.ID)
			}
		}
		var got []string
		for i, err := range f.processes[n%len(f.processes)].Search(t.Context(), q) {
			if err != nil {
				t.Errorf("%s: %v", when, err)
			}
			got = append(got, i.ID)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %+v finds %v, want %v", when, q, got, want)
		}
	}
}

// upgrade runs an upgrade, with a write by a process before every other call, and
// kills it at one of them unless kill is 0.
func (f *fleet) upgrade(t *testing.T, names dynamo.NameRows, kill int) (dynamo.UpgradeReport, error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	// Each process looks at the layout when it is next used, so that some know what
	// others do not.
	_ = f.after(time.Minute)
	wait := func(d time.Duration) <-chan time.Time {
		f.mu.Lock()
		for range 3 {
			if err := f.write(t.Context()); err != nil {
				t.Errorf("during a wait: %v", err)
			}
		}
		f.check(t, "during a wait")
		f.mu.Unlock()
		return f.after(d)
	}
	calls := 0
	f.wire.inject(func(c call) (*http.Response, error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		calls++
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if calls%2 == kill%2 {
			if err := f.write(t.Context()); err != nil {
				t.Errorf("before call %d: %v", calls, err)
			}
		}
		if calls%9 == 0 {
			f.check(t, fmt.Sprintf("before call %d", calls))
		}
		if calls != kill {
			return c.pass()
		}
		cancel()
		return nil, ctx.Err()
	})
	r := dynamo.New(dynamo.Config{Client: f.table.Client(f.wire.transport), Table: f.table.Name, Now: f.now})
	report, err := r.Upgrade(ctx, dynamo.UpgradeOptions{
		Kinds: kinds(), Names: names, After: wait, WriteUnits: 1, Progress: func(dynamo.UpgradeStep, dynamo.UpgradeReport) {},
	})
	f.wire.inject(nil)
	return report, err
}

// wantUpgraded fails the test unless every instance is as the newest layout has
// it, and has its name rows or none.
func (f *fleet) wantUpgraded(t *testing.T, names bool) {
	t.Helper()
	for _, i := range f.live {
		item, err := dynamo.EncodeItem(i)
		must(t, err)
		want := f.texts(item)
		got := f.stored(t, want["pk"], want["sk"])
		for _, text := range []string{"status", "spk", "ssk", "tpk", "tsk", "npk", "nsk", "fname", "fgroup", "fsubgroup"} {
			if got[text] != want[text] {
				t.Errorf("%s of %s is %q, want %q", text, i.Key(), got[text], want[text])
			}
		}
	}
	if names {
		checkNames(t, f.table, "numbered")
	} else {
		checkNames(t, f.table)
	}
}

// texts returns the texts of an item.
func (f *fleet) texts(item map[string]types.AttributeValue) map[string]string {
	all := map[string]string{}
	for name, value := range item {
		if s, ok := value.(*types.AttributeValueMemberS); ok {
			all[name] = s.Value
		}
	}
	return all
}

// An upgrade may be killed at each of its calls, while processes write: searches
// are right all along, and the next upgrade completes it. Only CI tries each.
func TestUpgradeKilled(t *testing.T) {
	t.Parallel()
	step := 3
	if ci, _ := strconv.ParseBool(os.Getenv("CI")); ci {
		step = 1
	}
	f, kill := newFleet(t), 1
	for killed := true; killed && !t.Failed(); kill += step {
		f.age(t)
		f.check(t, "before")
		killed = false
		// There and back: with name rows, and without them again.
		for _, names := range []dynamo.NameRows{dynamo.AddNames, dynamo.RemoveNames} {
			report, err := f.upgrade(t, names, kill)
			if err != nil {
				killed = true
				f.check(t, "after the kill")
				report, err = f.upgrade(t, names, 0)
				must(t, err)
			}
			if report.To != 2 || report.NameRows != (names == dynamo.AddNames) {
				t.Errorf("the upgrade reports %+v", report)
			}
			f.check(t, "after the upgrade")
			f.wantUpgraded(t, names == dynamo.AddNames)
			_ = f.after(time.Minute)
			f.check(t, "when all know")
		}
		if t.Failed() {
			t.Logf("killed at call %d", kill)
		}
	}
	if kill < 15 {
		t.Errorf("an upgrade has %d calls", kill)
	}
}

// An upgrade that was killed may be followed by one to the contrary.
func TestUpgradeThinksBetter(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	other := map[dynamo.NameRows]dynamo.NameRows{dynamo.AddNames: dynamo.RemoveNames, dynamo.RemoveNames: dynamo.AddNames}
	for kill := 3; kill < 15; kill += 2 {
		for names, contrary := range other {
			// From where the opposite is complete.
			must(t, failure(f.upgrade(t, contrary, 0)))
			_, _ = f.upgrade(t, names, kill)
			must(t, failure(f.upgrade(t, contrary, 0)))
			f.wantUpgraded(t, contrary == dynamo.AddNames)
			_ = f.after(time.Minute)
			f.check(t, fmt.Sprint("killed at call ", kill))
		}
	}
}

// An upgrade ends what another one began, and then there is nothing to do.
func TestUpgradeTwice(t *testing.T) {
	t.Parallel()
	for _, names := range []dynamo.NameRows{dynamo.LeaveNames, dynamo.AddNames} {
		f := newFleet(t)
		if _, err := f.upgrade(t, names, 8); err == nil {
			t.Fatal("it was not killed")
		}
		report, err := f.upgrade(t, dynamo.LeaveNames, 0)
		if err != nil || report.To != 2 || report.NameRows != (names == dynamo.AddNames) {
			t.Errorf("the upgrade reports %+v, %v", report, err)
		}
		f.wantUpgraded(t, names == dynamo.AddNames)
		before := f.stored(t, "layout", "layout")
		for _, again := range []dynamo.NameRows{dynamo.LeaveNames, names} {
			f.wire.inject(nil)
			report, err = f.Upgrade(t.Context(), dynamo.UpgradeOptions{Kinds: kinds(), Names: again})
			if want := (dynamo.UpgradeReport{From: 2, To: 2, NameRows: names == dynamo.AddNames}); err != nil || report != want {
				t.Errorf("the upgrade reports %+v, %v; want %+v", report, err, want)
			}
			if got := fmt.Sprint(f.wire.sent()); got != "[GetItem]" {
				t.Errorf("an upgrade without work sends %s", got)
			}
		}
		if after := f.stored(t, "layout", "layout"); !maps.Equal(before, after) {
			t.Errorf("the layout is %v, was %v", after, before)
		}
	}
}

// Of two upgrades at the same time one gives way, and does no harm.
func TestUpgradeTwiceAtOnce(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	other := dynamo.New(dynamo.Config{Client: f.table.Client(nil), Table: f.table.Name, Now: f.now})
	o := dynamo.UpgradeOptions{Kinds: kinds(), Names: dynamo.AddNames, After: f.after, Progress: func(dynamo.UpgradeStep, dynamo.UpgradeReport) {}}
	overtaken := o
	overtaken.Progress = func(step dynamo.UpgradeStep, _ dynamo.UpgradeReport) {
		if step == dynamo.StepFilling {
			if _, err := other.Upgrade(t.Context(), o); err != nil {
				t.Error(err)
			}
		}
	}
	r := dynamo.New(dynamo.Config{Client: f.table.Client(nil), Table: f.table.Name, Now: f.now})
	if _, err := r.Upgrade(t.Context(), overtaken); !errors.Is(err, dynamo.ErrUpgrading) {
		t.Errorf("error is %v, want %v", err, dynamo.ErrUpgrading)
	}
	f.wantUpgraded(t, true)
}

// An upgrade that may write so many units a second takes that long.
func TestUpgradePaces(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	began := f.clock
	report, err := dynamo.New(dynamo.Config{Client: f.table.Client(nil), Table: f.table.Name, Now: f.now}).Upgrade(t.Context(), dynamo.UpgradeOptions{
		Kinds: kinds(), WriteUnits: 2, After: f.after, Progress: func(dynamo.UpgradeStep, dynamo.UpgradeReport) {},
	})
	if err != nil || report != (dynamo.UpgradeReport{From: 1, To: 2, Read: 4, Changed: 4}) {
		t.Errorf("the upgrade reports %+v, %v", report, err)
	}
	// The item twice, and its index entries.
	if took := f.clock.Sub(began) - 90*time.Second; took < 4*time.Second || took > time.Minute {
		t.Errorf("it took %v", took)
	}
}

// A newer layout is left alone.
func TestUpgradeOfNewerLayout(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	setLayout(t, f.table, map[string]int{"version": 3})
	_, err := f.Upgrade(t.Context(), dynamo.UpgradeOptions{Kinds: kinds(), Names: dynamo.AddNames})
	if text := fmt.Sprint(err); !containsAll(text, "upgrade table "+f.table.Name, "layout 3", "deploy") {
		t.Errorf("error is %s", text)
	}
	if got := f.stored(t, "layout", "layout"); got["version"] != "3" || got["names"] != "" {
		t.Errorf("the layout is %v", got)
	}
}
