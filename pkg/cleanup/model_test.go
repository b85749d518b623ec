package cleanup_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"instances/pkg/auth"
	"instances/pkg/cleanup"
	"instances/pkg/instance"
	"instances/pkg/repository/bolt"
)

// model is what a registry holds, told in the plainest way.
type model struct {
	live  map[instance.Key]instance.Instance
	trash []instance.Deleted
	// keys are all that there are, in the order in which they were made.
	keys []auth.Credential
	// owners are those of all names that were ever given.
	owners map[string]string
	// done are the operations on each instance.
	done map[instance.Key][]string
}

// Random creates, deletes, restores, reconnects, keys and cleanups, days
// apart, leave on a repository what they leave in the model.
func TestModel(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, open opener) {
		f := newFixture(t, open)
		var runs atomic.Int64
		_, fast := f.store.(*bolt.Repository)
		rapid.Check(t, func(t *rapid.T) {
			// A cleanup makes 16 queries for each thing that it looks for.
			if !fast && runs.Load() == 8 {
				return
			}
			// Kinds and names of its own give each run an empty registry.
			run := strings.Map(func(r rune) rune { return r - '0' + 'a' }, fmt.Sprintf("%06d", runs.Add(1)))
			m := &model{
				live:   map[instance.Key]instance.Instance{},
				owners: map[string]string{},
				done:   map[instance.Key][]string{},
			}
			kinds := []instance.Kind{{Name: "timed" + run, Order: instance.OrderTime}, {Name: "named" + run, Order: instance.OrderID}}
			for range rapid.IntRange(1, 20).Draw(t, "steps") {
				f.advance(time.Second)
				m.step(t, f, kinds, run)
			}
			m.compare(t, f, kinds, run)
		})
	})
}

// step does one thing on both sides, and compares the results.
func (m *model) step(t *rapid.T, f *fixture, kinds []instance.Kind, run string) {
	ctx, now := context.Background(), f.Now()
	k := instance.Key{
		Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), Collection: "all", ID: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "id"),
	}
	name := run + rapid.SampledFrom([]string{"x", "y"}).Draw(t, "name")
	operation := rapid.SampledFrom([]string{
		"create", "create", "create", "delete", "delete", "restore", "touch", "mint", "mint", "revoke", "wait", "wait", "wait",
		"cleanup", "cleanup", "preview",
	}).Draw(t, "operation")
	var got, want error
	switch operation {
	case "create":
		i := instance.Instance{
			Kind: k.Kind, Collection: k.Collection, ID: k.ID, Code: k.ID, Version: 1, Incarnation: instance.NewIncarnation(),
			CreatedAt: now, UpdatedAt: now,
		}
		if rapid.Bool().Draw(t, "idle") {
			i.IdleSince = now
		}
		got = f.Create(ctx, i, f.change(operation), nil)
		if _, ok := m.live[k]; ok {
			want = instance.ErrExists
		} else {
			m.live[k] = i
			m.note(k, operation)
		}
	case "delete":
		got, want = f.Delete(ctx, k, f.change(operation), nil, nil), m.remove(k, now)
	case "restore":
		_, got = f.Restore(ctx, k, f.change(operation))
		want = m.restore(k, now)
	case "touch":
		got, want = f.Touch(ctx, k, now), instance.ErrNotFound
		if i, ok := m.live[k]; ok {
			i.LastSeenAt, i.IdleSince = now, now
			m.live[k], want = i, nil
		}
	case "mint":
		c := auth.Credential{
			Name: name, Owner: rapid.SampledFrom([]string{"o", "p"}).Draw(t, "owner"), Hash: auth.Hash(fmt.Sprint(run, now)),
			Allow: []string{"*"}, CreatedAt: now,
		}
		if days := rapid.SampledFrom([]int{0, 0, 1, 20}).Draw(t, "expires"); days > 0 {
			c.ExpiresAt = now.Add(time.Duration(days) * day)
		}
		got, want = f.CreateCredential(ctx, c), m.mint(c, now)
	case "revoke":
		if at := m.latest(name); at >= 0 && m.keys[at].RevokedAt.IsZero() {
			_, got = f.RevokeCredential(ctx, name, now)
			m.keys[at].RevokedAt = now
		}
	case "wait":
		f.advance(time.Duration(rapid.SampledFrom([]int{1, 9, 10, 20, 31}).Draw(t, "days")) * day)
	case "cleanup", "preview":
		o := f.options(f)
		o.Kinds, o.Idle = kinds, []cleanup.IdleRule{{Kind: kinds[0], After: idleAfter}, {Kind: kinds[1], After: 2 * idleAfter}}
		s, err := cleanup.New(o)
		if err != nil {
			t.Fatal(err)
		}
		if operation == "preview" {
			_, got = s.Preview(ctx, now.Add(time.Duration(rapid.IntRange(0, 50).Draw(t, "later"))*day), nil)
			break
		}
		report, err := s.Sweep(ctx, cleanup.Request{})
		idle, purged := m.cleanup(o, now)
		if got = err; total(report.IdleDeleted) != idle || total(report.DeletedPurged) != purged || report.LeftAlone+report.Failed > 0 {
			t.Fatalf("%+v, want %d idle and %d purged", report, idle, purged)
		}
	}
	if !errors.Is(got, want) {
		t.Fatalf("%s: %v, want %v", operation, got, want)
	}
}

func total(counts map[string]int) (n int) {
	for _, c := range counts {
		n += c
	}
	return n
}

func (m *model) note(k instance.Key, operation string) { m.done[k] = append(m.done[k], operation) }

func (m *model) remove(k instance.Key, now time.Time) error {
	i, ok := m.live[k]
	if !ok {
		return instance.ErrNotFound
	}
	delete(m.live, k)
	m.trash = append(m.trash, instance.Deleted{Instance: i, DeletedAt: now})
	m.note(k, "delete")
	return nil
}

func (m *model) restore(k instance.Key, now time.Time) error {
	for at := len(m.trash) - 1; at >= 0; at-- {
		i := m.trash[at].Instance
		if i.Key() != k {
			continue
		}
		if _, ok := m.live[k]; ok {
			return instance.ErrExists
		}
		m.trash = slices.Delete(m.trash, at, at+1)
		i.Version++
		i.UpdatedAt = now
		if !i.IdleSince.IsZero() {
			i.IdleSince = now
		}
		m.live[k] = i
		m.note(k, "restore")
		return nil
	}
	return instance.ErrNotFound
}

// latest is the place of the key that has the name, or -1.
func (m *model) latest(name string) int {
	for at := len(m.keys) - 1; at >= 0; at-- {
		if m.keys[at].Name == name {
			return at
		}
	}
	return -1
}

func (m *model) mint(c auth.Credential, now time.Time) error {
	if owner, ok := m.owners[c.Name]; ok && owner != c.Owner {
		return auth.ErrNameOfOther
	}
	if at := m.latest(c.Name); at >= 0 && m.keys[at].Usable(now) {
		return auth.ErrNameTaken
	}
	m.owners[c.Name] = c.Owner
	m.keys = append(m.keys, c)
	return nil
}

// cleanup is what a cleanup comes to.
func (m *model) cleanup(o cleanup.Options, now time.Time) (idle, purged int) {
	for _, rule := range o.Idle {
		for k, i := range m.live {
			if k.Kind == rule.Kind && !i.IdleSince.IsZero() && i.IdleSince.Before(now.Add(-rule.After)) {
				_ = m.remove(k, now) // It is there.
				idle++
			}
		}
	}
	due := func(at time.Time) bool { return !at.IsZero() && at.Before(now.Add(-o.Retention)) }
	m.trash = slices.DeleteFunc(m.trash, func(d instance.Deleted) bool {
		if due(d.DeletedAt) {
			m.note(d.Key(), "purge")
			purged++
		}
		return due(d.DeletedAt)
	})
	m.keys = slices.DeleteFunc(m.keys, func(c auth.Credential) bool { return due(c.EndedAt()) })
	return idle, purged
}

// compare compares all that both sides hold.
func (m *model) compare(t *rapid.T, f *fixture, kinds []instance.Kind, run string) {
	ctx := context.Background()
	var got, want []string
	instanceLine := func(i instance.Instance) string {
		return fmt.Sprintf("%v %s, seen %v, idle %v", i.Key(), i.Revision(), i.LastSeenAt, i.IdleSince)
	}
	for _, kind := range kinds {
		for i := range all(t, f.Search(ctx, instance.Query{Kind: kind, Collections: []string{"all"}})) {
			got = append(got, instanceLine(i))
		}
		for d := range all(t, f.Deleted(ctx, kind, time.Time{})) {
			got = append(got, fmt.Sprintf("deleted at %v: %s", d.DeletedAt, instanceLine(d.Instance)))
		}
	}
	for _, i := range m.live {
		want = append(want, instanceLine(i))
	}
	for _, d := range m.trash {
		want = append(want, fmt.Sprintf("deleted at %v: %s", d.DeletedAt, instanceLine(d.Instance)))
	}
	keyLine := func(what string, c auth.Credential) string {
		return fmt.Sprintf("%s %s of %s, expires %v, revoked %v", what, c.Name, c.Owner, c.ExpiresAt, c.RevokedAt)
	}
	for c := range all(t, f.Credentials(ctx)) {
		if strings.HasPrefix(c.Name, run) {
			got = append(got, keyLine("latest", c))
		}
	}
	for c := range all(t, f.EndedCredentials(ctx, f.far())) {
		if strings.HasPrefix(c.Name, run) {
			got = append(got, keyLine("ends", c))
		}
	}
	for at, c := range m.keys {
		if m.latest(c.Name) == at {
			want = append(want, keyLine("latest", c))
		}
		if !c.EndedAt().IsZero() {
			want = append(want, keyLine("ends", c))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Fatalf("the repository holds\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	m.compareHistory(t, f)
}

// compareHistory compares what is kept of the history: its last records, in
// the order in which they were made but for purges, which follow the delete of
// what they purge.
func (m *model) compareHistory(t *rapid.T, f *fixture) {
	for k, done := range m.done {
		var got []string
		for e := range all(t, f.History(context.Background(), instance.HistoryQuery{Key: k})) {
			got = append(got, e.Operation)
		}
		kept := slices.Clone(done[len(done)-min(len(got), len(done)):])
		slices.Sort(got)
		slices.Sort(kept)
		if len(got) > len(done) || !slices.Equal(got, kept) {
			t.Fatalf("the history of %v is %q of %q", k, got, done)
		}
	}
}
