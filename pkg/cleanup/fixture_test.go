package cleanup_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"instances/pkg/app"
	"instances/pkg/auth"
	"instances/pkg/cleanup"
	"instances/pkg/instance"
	"instances/pkg/repository/bolt"
	"instances/pkg/repository/dynamo"
	"instances/pkg/repository/dynamo/dynamotest"
)

func TestMain(m *testing.M) { os.Exit(dynamotest.Main(m)) }

const (
	day       = 24 * time.Hour
	retention = 30 * day
	idleAfter = 10 * day
	// historyKept is how long the repositories keep a history record.
	historyKept = 20 * day
)

// store is a repository of this test.
type store = app.Repository

// opener makes an empty repository.
type opener func(t testing.TB, now func() time.Time) store

// each runs test on both repositories, in parallel.
func each(t *testing.T, test func(t *testing.T, open opener)) {
	t.Helper()
	t.Run("bolt", func(t *testing.T) {
		t.Parallel()
		test(t, openBolt)
	})
	t.Run("dynamo", func(t *testing.T) {
		t.Parallel()
		test(t, openDynamo)
	})
}

func openBolt(t testing.TB, now func() time.Time) store {
	t.Helper()
	return openBoltFile(t, filepath.Join(t.TempDir(), "instances.db"), now)
}

func openBoltFile(t testing.TB, path string, now func() time.Time) store {
	t.Helper()
	r, err := bolt.Open(path, bolt.Options{Now: now, HistoryRetention: historyKept, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// copier returns what makes copies of the repository as it is now, which must be
// embedded: that is faster than telling its story again.
func (f *fixture) copier(t testing.TB) func(t testing.TB) *fixture {
	t.Helper()
	backup := filepath.Join(t.TempDir(), "backup.db")
	if _, err := f.store.(*bolt.Repository).Backup(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(backup)
	if err != nil {
		t.Fatal(err)
	}
	now := f.Now()
	return func(t testing.TB) *fixture {
		t.Helper()
		path := filepath.Join(t.TempDir(), "instances.db")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		c := &fixture{now: now, minted: slices.Clone(f.minted)}
		c.store = openBoltFile(t, path, c.Now)
		return c
	}
}

func openDynamo(t testing.TB, now func() time.Time) store {
	t.Helper()
	table := dynamotest.NewTable(t)
	return dynamo.New(dynamo.Config{
		Client: table.Client(nil), Table: table.Name, Now: now, HistoryRetention: historyKept,
	})
}

// The kinds of the tests: one of each order.
func numbered() instance.Kind {
	return instance.Kind{Name: "numbered", Order: instance.OrderNumber}
}
func timed() instance.Kind { return instance.Kind{Name: "timed", Order: instance.OrderTime} }
func named() instance.Kind { return instance.Kind{Name: "named", Order: instance.OrderID} }

// fixture is a repository with its clock, which stands still by itself.
type fixture struct {
	store
	mu  sync.Mutex
	now time.Time
	// minted are the names of all keys.
	minted []string
}

func newFixture(t testing.TB, open opener) *fixture {
	t.Helper()
	f := &fixture{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}
	f.store = open(t, f.Now)
	return f
}

func (f *fixture) Now() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *fixture) advance(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}

func (f *fixture) change(operation string) instance.Change {
	return instance.Change{By: "tester", Owner: "owner", At: f.Now(), RequestID: "request", Operation: operation}
}

// key is that of an instance in the only collection of a kind.
func key(kind instance.Kind, id string) instance.Key {
	k := instance.Key{Kind: kind, Collection: "all", ID: id}
	if kind.Order == instance.OrderNumber {
		n, _ := strconv.ParseInt(id, 10, 64)
		k.Collection = instance.Block(n)
	}
	return k
}

// options are those of a cleanup of everything.
func (f *fixture) options(r cleanup.Repository) cleanup.Options {
	return cleanup.Options{
		Repository: r,
		Kinds:      []instance.Kind{numbered(), timed(), named()},
		Retention:  retention,
		Idle:       []cleanup.IdleRule{{Kind: timed(), After: idleAfter}, {Kind: named(), After: 2 * idleAfter}},
		Now:        f.Now,
		Logger:     slog.New(slog.DiscardHandler),
	}
}

func newSweeper(t testing.TB, o cleanup.Options) *cleanup.Sweeper {
	t.Helper()
	s, err := cleanup.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sweep runs a cleanup of everything, which must not fail.
func (f *fixture) sweep(t testing.TB) cleanup.Report {
	t.Helper()
	report, err := newSweeper(t, f.options(f)).Sweep(context.Background(), cleanup.Request{})
	if err != nil {
		t.Fatalf("Sweep: %v", err)
	}
	if !report.Complete || report.Failed > 0 {
		t.Fatalf("Sweep: %+v", report)
	}
	return report
}

// create stores an instance; idle says that it is so from now on.
func (f *fixture) create(t testing.TB, kind instance.Kind, id string, idle bool) {
	t.Helper()
	f.createFor(t, kind, id, idle, nil)
}

func (f *fixture) createFor(t testing.TB, kind instance.Kind, id string, idle bool, idem *instance.Idempotency) {
	t.Helper()
	k := key(kind, id)
	i := instance.Instance{
		Kind: kind, Collection: k.Collection, ID: id, Code: kind.Name + id, Name: "name of " + id, Owner: "owner", Version: 1,
		// It is the same in each repository that tells the same story.
		Incarnation: fmt.Sprintf("%016x", f.Now().UnixMilli()), CreatedAt: f.Now(), UpdatedAt: f.Now(),
	}
	if idle {
		i.IdleSince = f.Now()
	}
	if err := f.Create(context.Background(), i, f.change("create"), idem); err != nil {
		t.Fatalf("Create(%v): %v", k, err)
	}
}

func (f *fixture) remove(t testing.TB, kind instance.Kind, id string) {
	t.Helper()
	if err := f.Delete(context.Background(), key(kind, id), f.change("delete"), nil, nil); err != nil {
		t.Fatalf("Delete(%s %s): %v", kind, id, err)
	}
}

func (f *fixture) restore(t testing.TB, kind instance.Kind, id string) {
	t.Helper()
	if _, err := f.Restore(context.Background(), key(kind, id), f.change("restore")); err != nil {
		t.Fatalf("Restore(%s %s): %v", kind, id, err)
	}
}

// mint makes a key, whose hash tells its name and the time.
func (f *fixture) mint(t testing.TB, name string, expires time.Duration) {
	t.Helper()
	c := auth.Credential{
		Name: name, Owner: "owner", Hash: auth.Hash(name + f.Now().String()), Allow: []string{auth.AllowAll}, CreatedAt: f.Now(),
	}
	if expires > 0 {
		c.ExpiresAt = f.Now().Add(expires)
	}
	if err := f.CreateCredential(context.Background(), c); err != nil {
		t.Fatalf("CreateCredential(%s): %v", name, err)
	}
	f.minted = append(f.minted, name)
}

func (f *fixture) revoke(t testing.TB, name string) {
	t.Helper()
	if _, err := f.RevokeCredential(context.Background(), name, f.Now()); err != nil {
		t.Fatalf("RevokeCredential(%s): %v", name, err)
	}
}

// ids are those that the story uses, by kind.
func ids(kind instance.Kind) []string {
	if kind == numbered() {
		return []string{"1", "2", "50001", "50002"}
	}
	return []string{"silent", "heard", "busy", "gone", "twice", "restored", "lately"}
}

// story fills the repository so that everything that can be due is due at its
// end, and some is not.
func (f *fixture) story(t testing.TB) {
	t.Helper()
	for _, name := range []string{"alive", "renewed", "revoked", "lately"} {
		f.mint(t, name, 0)
	}
	f.mint(t, "expired", time.Hour)
	f.number(t, 1)
	f.number(t, 2)
	if err := f.ReserveNumbers(context.Background(), numbered(), 50_000); err != nil {
		t.Fatal(err)
	}
	f.number(t, 50001)
	f.number(t, 50002)
	for _, kind := range []instance.Kind{timed(), named()} {
		f.create(t, kind, "silent", true)
		f.create(t, kind, "heard", true)
		f.createFor(t, kind, "busy", false, &instance.Idempotency{
			Owner: "owner", Route: "POST /" + kind.Name, Key: "k", Fingerprint: "f", Answer: func(instance.Instance) ([]byte, error) { return []byte("{}"), nil }, ExpiresAt: f.Now().Add(day),
		})
		for _, id := range []string{"gone", "twice", "restored", "lately"} {
			f.create(t, kind, id, false)
		}
	}

	f.advance(2 * time.Second)
	for _, name := range []string{"renewed", "revoked"} {
		f.revoke(t, name)
	}
	f.remove(t, numbered(), "1")
	f.remove(t, numbered(), "2")
	f.remove(t, numbered(), "50002")
	for _, kind := range []instance.Kind{timed(), named()} {
		for _, id := range []string{"gone", "twice", "restored"} {
			f.remove(t, kind, id)
		}
	}
	f.advance(2 * time.Second)
	f.mint(t, "renewed", 0)
	f.restore(t, numbered(), "50002")
	for _, kind := range []instance.Kind{timed(), named()} {
		f.restore(t, kind, "restored")
		f.create(t, kind, "twice", false)
		f.advance(time.Second)
		f.remove(t, kind, "twice")
	}

	f.advance(retention + day)
	f.revoke(t, "lately")
	for _, kind := range []instance.Kind{timed(), named()} {
		f.remove(t, kind, "lately")
		if err := f.Touch(context.Background(), key(kind, "heard"), f.Now()); err != nil {
			t.Fatal(err)
		}
	}
	f.advance(time.Hour)
}

// number takes a number and creates the instance n.
func (f *fixture) number(t testing.TB, n int64) {
	t.Helper()
	got, err := f.NextNumber(context.Background(), numbered())
	// A call that is repeated after a lost response leaves a gap.
	if err != nil || got < n || instance.Block(got) != instance.Block(n) {
		t.Fatalf("NextNumber: %d, %v; want %d", got, err, n)
	}
	f.create(t, numbered(), strconv.FormatInt(n, 10), false)
}

// storyReport is what a cleanup at the end of the story does: its counts,
// which are the same on both repositories but for what only one of them has.
func storyReport(f *fixture) cleanup.Report {
	r := cleanup.Report{
		AsOf: f.Now(), Complete: true,
		IdleDeleted:   map[string]int{"timed": 1, "named": 1},
		KeysPurged:    3, // One is an earlier key of a name.
		DeletedPurged: map[string]int{"numbered": 2, "timed": 3, "named": 3},
	}
	r.Tidied = 1
	if _, ok := f.store.(*bolt.Repository); ok {
		// Two answers, and of the first day of the story 18 creates, 9 and 2
		// deletes, 3 restores, 2 creates.
		r.Tidied = 36
	}
	return r
}

// far is later than everything.
func (f *fixture) far() time.Time { return f.Now().Add(100 * 365 * day) }

// state tells everything that the repository holds, in sorted lines.
func (f *fixture) state(t testing.TB) []string {
	t.Helper()
	ctx := context.Background()
	var lines []string
	note := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for _, kind := range []instance.Kind{numbered(), timed(), named()} {
		q := instance.Query{Kind: kind}
		if kind.Order != instance.OrderNumber {
			q.Collections = []string{"all"}
		}
		for i := range all(t, f.Search(ctx, q)) {
			note("instance %v %s, seen %v, idle %v", i.Key(), i.Revision(), i.LastSeenAt, i.IdleSince)
		}
		for i := range all(t, f.Idle(ctx, kind, f.far())) {
			note("idle %v", i.Key())
		}
		for d := range all(t, f.Deleted(ctx, kind, time.Time{})) {
			note("deleted %v %s at %v, idle %v", d.Key(), d.Revision(), d.DeletedAt, d.IdleSince)
		}
		for _, id := range ids(kind) {
			for e := range all(t, f.History(ctx, instance.HistoryQuery{Key: key(kind, id)})) {
				note("history %v %s.%d %+v", e.Key, e.Incarnation, e.Version, e.Change)
			}
		}
	}
	for c := range all(t, f.Credentials(ctx)) {
		note("key %s of %s, ended %v", c.Name, c.Owner, c.EndedAt())
	}
	for c := range all(t, f.EndedCredentials(ctx, f.far())) {
		note("ended key %s of %s at %v", c.Name, c.Owner, c.EndedAt())
	}
	for _, name := range f.minted {
		// Were it allowed, it would change what is told.
		err := f.CreateCredential(ctx, auth.Credential{Name: name, Owner: "other", Hash: auth.Hash("other"), Allow: []string{"*"}, CreatedAt: f.Now()})
		note("name %s, given to another: %v", name, errors.Is(err, auth.ErrNameOfOther))
	}
	leftovers, err := f.Tidy(ctx, f.options(f).Kinds, f.far(), 0)
	if err != nil {
		t.Fatal(err)
	}
	note("leftovers %d", leftovers)
	slices.Sort(lines)
	return lines
}

// all yields what found does, which must not end with an error.
func all[T any](t rapid.TB, found iter.Seq2[T, error]) iter.Seq[T] {
	t.Helper()
	return func(yield func(T) bool) {
		for v, err := range found {
			if err != nil {
				t.Fatal(err)
			}
			if !yield(v) {
				return
			}
		}
	}
}

// wantState fails the test unless the repository holds what want tells.
func (f *fixture) wantState(t testing.TB, what string, want []string) {
	t.Helper()
	got := f.state(t)
	if slices.Equal(got, want) {
		return
	}
	var b bytes.Buffer
	for _, line := range got {
		if !slices.Contains(want, line) {
			fmt.Fprintf(&b, "+ %s\n", line)
		}
	}
	for _, line := range want {
		if !slices.Contains(got, line) {
			fmt.Fprintf(&b, "- %s\n", line)
		}
	}
	t.Fatalf("%s: the state has + and lacks -\n%s", what, &b)
}

// counts is r without what differs between the repositories.
func counts(r cleanup.Report) cleanup.Report {
	r.Calls, r.ReadUnits, r.WriteUnits = 0, 0, 0
	return r
}
