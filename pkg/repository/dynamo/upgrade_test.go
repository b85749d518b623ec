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
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
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
	// upgraded says that the layout is the newest, and that every process knows.
	upgraded bool
}

// newFleet fills a table as layout 1 was, without a layout item.
func newFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{fixture: newFixture(t), clock: time.Now(), random: rand.New(rand.NewPCG(1, 2))}
	must(t, failure(f.NextNumber(t.Context(), numbered()))) // It enters the collection.
	for f.next = 1; f.next <= 4; f.next++ {
		i := f.fresh(f.next)
		i.Code, i.Group, i.Name = []string{"", "ilik", "ılık", "x"}[f.next-1], f.code(), f.name()
		f.live = append(f.live, i)
	}
	f.age(t, 1)
	for range 3 {
		f.processes = append(f.processes, dynamo.New(dynamo.Config{
			Client: f.table.Client(nil), Table: f.table.Name, Now: f.now, IndexedNames: true,
		}))
	}
	return f
}

// age makes a table without name rows one of layout 1 again, or one of layout 2
// with name rows.
func (f *fleet) age(t *testing.T, layout int) {
	t.Helper()
	setLayout(t, f.table, nil)
	if layout == 2 {
		item := attributes(map[string]string{"pk": "layout", "sk": "layout", "names": "complete"})
		item["version"] = &types.AttributeValueMemberN{Value: "2"}
		f.fill(t, []map[string]types.AttributeValue{item})
	}
	for form := range f.guards(t) {
		must(t, failure(f.table.Client(nil).DeleteItem(t.Context(), &dynamodb.DeleteItemInput{
			TableName: &f.table.Name, Key: attributes(map[string]string{"pk": "code#numbered#" + form, "sk": "guard"}),
		})))
	}
	var items []map[string]types.AttributeValue
	guarded := map[string]bool{"": true}
	for n := range f.live {
		i := &f.live[n]
		// They are unique again.
		form := dynamo.FormerFold(i.Code)
		if guarded[form] {
			i.Code, form = "", ""
		}
		if form != "" {
			guarded[form] = true
			items = append(items, attributes(map[string]string{
				"pk": "code#numbered#" + form, "sk": "guard", "col": i.Collection, "id": i.ID,
			}))
		}
		if layout == 1 {
			items = append(items, oldItem(t, *i))
			continue
		}
		item, err := dynamo.EncodeFormerItem(*i)
		must(t, err)
		rows, err := dynamo.EncodeFormerNameRows(*i)
		must(t, err)
		items = append(append(items, item), rows...)
	}
	f.fill(t, items)
	f.upgraded = false
	_ = f.after(time.Minute)
}

// guards returns whose codes are guarded, by their form, sorted.
func (f *fixture) guards(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	pages := dynamodb.NewScanPaginator(f.table.Client(nil), &dynamodb.ScanInput{TableName: &f.table.Name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		must(t, err)
		for _, item := range page.Items {
			form, ok := strings.CutPrefix(f.text(item["pk"]), "code#numbered#")
			if !ok {
				continue
			}
			holders := []string{f.text(item["col"]) + "\x00" + f.text(item["id"])}
			if others, ok := item["others"].(*types.AttributeValueMemberL); ok {
				for _, other := range others.Value {
					holders = append(holders, f.text(other))
				}
			}
			slices.Sort(holders)
			all[form] = holders
		}
	}
	return all
}

// text returns an attribute that is a text.
func (f *fixture) text(value types.AttributeValue) string {
	s, ok := value.(*types.AttributeValueMemberS)
	if !ok {
		return ""
	}
	return s.Value
}

// wantGuards fails the test unless the codes of the instances are guarded, and
// nothing else is.
func (f *fixture) wantGuards(t *testing.T, of []instance.Instance) {
	t.Helper()
	want := map[string][]string{}
	for _, i := range of {
		if form := fold.String(i.Code); form != "" {
			want[form] = append(want[form], i.Collection+"\x00"+i.ID)
			slices.Sort(want[form])
		}
	}
	if got := f.guards(t); !reflect.DeepEqual(got, want) {
		t.Errorf("guards are %q, want %q", got, want)
	}
}

// oldItem returns the item of an instance as layout 1 was.
func oldItem(t *testing.T, i instance.Instance) map[string]types.AttributeValue {
	t.Helper()
	item, err := dynamo.EncodeFormerItem(i)
	must(t, err)
	for _, name := range []string{"spk", "ssk", "tpk", "tsk", "npk"} {
		delete(item, name)
	}
	for name, text := range map[string]string{
		"npk": i.Kind.Name + "#" + i.Collection, "nsk": i.SortKey(),
		"fname": dynamo.FormerFold(i.Name), "fgroup": dynamo.FormerFold(i.Group), "fsubgroup": dynamo.FormerFold(i.SubGroup),
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
	parts := []string{"", "ab", "ba", "É", "aab", "iıb", "İab", strings.Repeat("ab", 23), strings.Repeat("ıb", 22)}
	return parts[f.random.IntN(len(parts))] + parts[f.random.IntN(len(parts))]
}

// code returns one of few codes, most of which become equal.
func (f *fleet) code() string { return []string{"", "ilik", "ılık", "İLIK", "x"}[f.random.IntN(5)] }

// write has one of the processes change something.
func (f *fleet) write(ctx context.Context) error {
	r := f.processes[f.random.IntN(len(f.processes))]
	what, n := f.random.IntN(8), f.random.IntN(len(f.live))
	var before, after instance.Instance
	var err error
	switch {
	case what == 0 && len(f.live) < 6:
		after = f.fresh(f.next)
		after.Code, after.Group, after.Name = f.code(), f.code(), f.name()
		f.next++
		err = r.Create(ctx, after, f.change("create"), nil)
	case what == 1 && len(f.live) > 2:
		before = f.live[n]
		err = r.Delete(ctx, before.Key(), f.change("delete"), nil, nil)
		f.gone = append(f.gone, before)
	case what == 2 && len(f.gone) > 0 && len(f.live) < 6:
		after, f.gone = f.gone[0], f.gone[1:]
		var back instance.Instance
		if back, err = r.Restore(ctx, after.Key(), f.change("restore")); err == nil {
			after = back
		}
	default:
		before = f.live[n]
		after = before
		if after.Status = fmt.Sprint("status ", f.random.IntN(6)); what%2 == 0 {
			after.Name = f.name()
		}
		if what == 3 {
			after.Code, after.Group = f.code(), f.code()
		}
		var replaced instance.Instance
		if replaced, err = r.Replace(ctx, before, after, f.change("replace"), nil); err == nil {
			after = replaced
		}
	}
	return f.wrote(before, after, err)
}

// wrote notes a write that has succeeded. Only another instance with the code may
// forbid it, and one whose code was always equal has to.
func (f *fleet) wrote(before, after instance.Instance, err error) error {
	others := slices.DeleteFunc(slices.Clone(f.live), func(i instance.Instance) bool { return i.ID == before.ID })
	has := func(form func(string) string) bool {
		return after.Code != "" && after.Code != before.Code &&
			slices.ContainsFunc(others, func(other instance.Instance) bool { return form(other.Code) == form(after.Code) })
	}
	// One of several that have the same code may spell it as another one does, at
	// the latest after the upgrade.
	same := fold.String(before.Code) == fold.String(after.Code)
	switch {
	case errors.Is(err, instance.ErrCodeTaken) && has(fold.String) && (!same || !f.upgraded):
		return nil
	case err != nil:
		return err
	case !same && (has(dynamo.FormerFold) || f.upgraded && has(fold.String)):
		return fmt.Errorf("%s got the code %q of another", after.Key(), after.Code)
	}
	f.live = others
	if after.ID != "" {
		f.live = append(f.live, after)
	}
	return nil
}

// check fails the test unless each process finds what there is. Until all know that
// the upgrade is complete, it need not find what has been equal ever since.
func (f *fleet) check(t *testing.T, when string) {
	t.Helper()
	slices.SortFunc(f.live, func(a, b instance.Instance) int { return cmp.Compare(a.SortKey(), b.SortKey()) })
	queries := []instance.Query{
		{Name: "ab"},
		{Name: "É"},
		{Status: "status 3"},
		{Name: "a", Status: "status 4"},
		{Name: "ib"},
		{Name: "ıB", Group: "x"},
		{Code: "ILIK"},
		{Code: "ılık"},
		{Group: "ilik"},
		{Group: "İlIk", Name: "B"},
		{Name: "ı"},
	}
	f.random.Shuffle(len(queries), func(i, j int) { queries[i], queries[j] = queries[j], queries[i] })
	for n, q := range queries[:4] {
		q.Kind = numbered()
		match := func(i instance.Instance, form func(string) string) bool {
			return (q.Code == "" || form(i.Code) == form(q.Code)) && (q.Group == "" || form(i.Group) == form(q.Group)) &&
				strings.Contains(form(i.Name), form(q.Name)) && (q.Status == "" || i.Status == q.Status)
		}
		var may, must []string
		for _, i := range f.live {
			if match(i, fold.String) {
				may = append(may, i.ID)
				if f.upgraded || match(i, dynamo.FormerFold) {
					must = append(must, i.ID)
				}
			}
		}
		var got []string
		for i, err := range f.processes[n%len(f.processes)].Search(t.Context(), q) {
			if err != nil {
				t.Errorf("%s: %v", when, err)
			}
			got = append(got, i.ID)
		}
		if !partOf(must, got) || !partOf(got, may) {
			t.Errorf("%s: %+v finds %v, want %v of %v", when, q, got, must, may)
		}
	}
}

// partOf reports whether the whole has the part in the same order.
func partOf(part, whole []string) bool {
	for _, one := range whole {
		if len(part) > 0 && part[0] == one {
			part = part[1:]
		}
	}
	return len(part) == 0
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
		for _, text := range []string{"status", "cpk", "csk", "gpk", "gsk", "spk", "ssk", "tpk", "tsk", "npk", "nsk", "fname", "fgroup", "fsubgroup"} {
			if got[text] != want[text] {
				t.Errorf("%s of %s is %q, want %q", text, i.Key(), got[text], want[text])
			}
		}
	}
	f.wantGuards(t, f.live)
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

// An upgrade of each earlier layout may be killed at each of its calls, while
// processes write: searches are right all along, and the next upgrade completes it.
// Only CI tries each call, of one layout or the other.
func TestUpgradeKilled(t *testing.T) {
	t.Parallel()
	step := 3
	if ci, _ := strconv.ParseBool(os.Getenv("CI")); ci {
		step = 1
	}
	f, kill := newFleet(t), 1
	for killed := true; killed && !t.Failed(); kill += step {
		f.age(t, 1+kill%2)
		f.check(t, "before")
		killed = false
		// There and back: with name rows, which layout 2 has already, and without them
		// again.
		for _, names := range []dynamo.NameRows{dynamo.AddNames, dynamo.RemoveNames} {
			report, err := f.upgrade(t, names, kill)
			if err != nil {
				killed = true
				f.check(t, "after the kill")
				report, err = f.upgrade(t, names, 0)
				must(t, err)
			}
			if report.To != 3 || report.NameRows != (names == dynamo.AddNames) {
				t.Errorf("the upgrade reports %+v", report)
			}
			f.check(t, "after the upgrade")
			f.wantUpgraded(t, names == dynamo.AddNames)
			_ = f.after(time.Minute)
			f.upgraded = true
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
		if err != nil || report.To != 3 || report.NameRows != (names == dynamo.AddNames) {
			t.Errorf("the upgrade reports %+v, %v", report, err)
		}
		f.wantUpgraded(t, names == dynamo.AddNames)
		before := f.stored(t, "layout", "layout")
		for _, again := range []dynamo.NameRows{dynamo.LeaveNames, names} {
			f.wire.inject(nil)
			report, err = f.Upgrade(t.Context(), dynamo.UpgradeOptions{Kinds: kinds(), Names: again})
			if want := (dynamo.UpgradeReport{From: 3, To: 3, NameRows: names == dynamo.AddNames}); err != nil || report != want {
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
	if err != nil || report != (dynamo.UpgradeReport{From: 1, To: 3, Read: 4, Changed: 4}) {
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
	setLayout(t, f.table, map[string]int{"version": 4})
	_, err := f.Upgrade(t.Context(), dynamo.UpgradeOptions{Kinds: kinds(), Names: dynamo.AddNames})
	if text := fmt.Sprint(err); !containsAll(text, "upgrade table "+f.table.Name, "layout 4", "deploy") {
		t.Errorf("error is %s", text)
	}
	if got := f.stored(t, "layout", "layout"); got["version"] != "4" || got["names"] != "" {
		t.Errorf("the layout is %v", got)
	}
}
