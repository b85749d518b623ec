package bolt_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"instances/pkg/auth"
	"instances/pkg/instance"
	"instances/pkg/repository/bolt"
)

// damageCount is how many instances of each kind a file in the tests of damage
// has: enough for several levels of pages.
const damageCount = 60

// The size of a page, and the type of one that leads to others.
const (
	pageSize   = 4096
	branchPage = 1
)

// damageTime is the time in the tests of damage.
func damageTime() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// damageUse is when the registry was last used in the tests of damage.
func damageUse() time.Time { return damageTime().AddDate(0, 0, 2) }

func damageOptions() bolt.Options {
	return bolt.Options{
		NoSync: true, LockTimeout: time.Millisecond, HistoryRetention: time.Hour, Now: damageTime,
	}
}

func timed() instance.Kind { return instance.Kind{Name: "timed", Order: instance.OrderTime} }

// fullFile returns a file that has something of everything, and several levels
// of pages.
func fullFile(tb testing.TB) []byte {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "test.db")
	r, err := bolt.Open(path, damageOptions())
	if err != nil {
		tb.Fatal(err)
	}
	ctx, now := tb.Context(), damageTime()
	change := instance.Change{By: "key", Owner: "owner", At: now, Operation: "write"}
	errs := []error{r.SetDocument(ctx, "document", make([]byte, 9_000))}
	for n := range int64(damageCount) {
		i := sample(n + 1)
		i.Incarnation = strconv.FormatInt(n, 16)
		i.SubGroup, i.Status, i.Name = "sub", "up", i.Name+strings.Repeat(" of many", 20)
		idem := &instance.Idempotency{Owner: "o", Route: "r", Key: i.ID, Answer: func(instance.Instance) ([]byte, error) { return []byte("a"), nil }, ExpiresAt: now.Add(time.Hour)}
		other := instance.Instance{
			Kind: timed(), Collection: "c", ID: "id-" + i.ID, Version: 1, Incarnation: i.ID, CreatedAt: now, IdleSince: now,
			Attributes: make([]byte, 50+n%30/29*6_000),
		}
		errs = append(errs, r.Create(ctx, i, change, idem), r.Create(ctx, other, change, nil))
		if n%10 == 0 {
			errs = append(errs, r.Delete(ctx, i.Key(), change, nil, nil), r.CreateCredential(ctx, auth.Credential{
				Name: "key-" + i.ID, Owner: "o", Hash: auth.Hash(i.ID), CreatedAt: now, ExpiresAt: now.Add(time.Hour),
			}))
		}
	}
	_, err = r.CheckClock(ctx, damageUse(), false)
	errs = append(errs, err)
	// A backup has no unused bytes at its end.
	_, err = r.Backup(ctx, path+".copy")
	errs = append(errs, err, r.Close())
	if err := errors.Join(errs...); err != nil {
		tb.Fatal(err)
	}
	file, err := os.ReadFile(path + ".copy")
	if err != nil {
		tb.Fatal(err)
	}
	return file
}

// contentsOf reads everything that a repository has, and what it could not
// read as nil.
func contentsOf(ctx context.Context, r *bolt.Repository) (found map[string][]string, errs []error) {
	found = map[string][]string{}
	one := func(what string, value any, err error) {
		if err != nil {
			found[what] = nil
			errs = append(errs, err)
			return
		}
		found[what] = append(found[what], fmt.Sprintf("%q", value))
	}
	later := damageTime().AddDate(1, 0, 0)
	for _, kind := range []instance.Kind{numbered(), timed()} {
		list(one, "all "+kind.Name, r.All(ctx, []instance.Kind{kind}, nil))
		for _, q := range []instance.Query{{Group: "group"}, {SubGroup: "sub"}, {Status: "up"}, {Name: "of many"}} {
			q.Kind, q.Collections = kind, []string{"c", instance.Block(1)}
			list(one, fmt.Sprint(q), r.Search(ctx, q))
		}
		list(one, "deleted "+kind.Name, r.Deleted(ctx, kind, time.Time{}))
		list(one, "idle "+kind.Name, r.Idle(ctx, kind, later))
	}
	list(one, "keys", r.Credentials(ctx))
	list(one, "ended keys", r.EndedCredentials(ctx, later))
	for n := range int64(damageCount) {
		i := sample(n + 1)
		key := instance.Key{Kind: timed(), Collection: "c", ID: "id-" + i.ID}
		stored, err := r.Get(ctx, key)
		one("get "+key.String(), stored, err)
		list(one, "history "+key.String(), r.History(ctx, instance.HistoryQuery{Key: key}))
		if n%10 == 0 {
			c, err := r.Credential(ctx, auth.Hash(i.ID))
			one("key "+i.ID, c, err)
			continue
		}
		list(one, "code "+i.Code, r.Search(ctx, instance.Query{Kind: numbered(), Code: i.Code}))
	}
	document, err := r.Document(ctx, "document")
	one("document", document, err)
	return found, errs
}

func list[V any](one func(string, any, error), what string, seq iter.Seq2[V, error]) {
	for v, err := range seq {
		one(what, v, err)
	}
}

// A file that was cut off or altered is refused, or what is read of it is what
// was written.
func TestDamagedBeforeStart(t *testing.T) {
	t.Parallel()
	whole := fullFile(t)
	want := readFile(t, whole)
	if len(want) < 3*damageCount {
		t.Fatalf("only %d things are read", len(want))
	}
	refused, opened := 0, 0
	try := func(t testing.TB, file []byte) {
		if wantRefusedOrSame(t, file, want) {
			refused++
		} else {
			opened++
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		altered := bytes.Clone(whole)
		if rapid.IntRange(0, 4).Draw(rt, "cut") == 0 {
			// Often between two pages.
			size := rapid.IntRange(0, len(whole)-1).Draw(rt, "size")
			try(t, altered[:size&^(rapid.SampledFrom([]int{1, 4096}).Draw(rt, "unit")-1)])
			return
		}
		for range rapid.IntRange(1, 3).Draw(rt, "places") {
			at := rapid.IntRange(0, len(altered)-1).Draw(rt, "at")
			altered[at] ^= rapid.ByteRange(1, 255).Draw(rt, "change")
		}
		try(t, altered)
	})
	t.Logf("%d files of %d bytes were refused, %d opened", refused, len(whole), opened)
}

// A page that leads to a wrong one, in a circle for example, or that is
// searched in the wrong order, is refused.
func TestDamagedBranches(t *testing.T) {
	t.Parallel()
	whole := fullFile(t)
	want := readFile(t, whole)
	const header, element = 16, 16
	var refused int
	try := func(altered []byte) {
		if wantRefusedOrSame(t, altered, want) {
			refused++
		}
	}
	branches, pages := 0, len(whole)/pageSize
	for id := 2; id < pages; id++ {
		page := whole[id*pageSize:]
		if page[8] != branchPage || binary.NativeEndian.Uint64(page) != uint64(id) {
			continue
		}
		branches++
		count := int(binary.NativeEndian.Uint16(page[10:]))
		for _, n := range []int{0, count - 1} {
			at := id*pageSize + header + n*element
			for _, to := range []int{id, id + 1, pages} {
				altered := bytes.Clone(whole)
				binary.NativeEndian.PutUint64(altered[at+8:], uint64(to))
				try(altered)
			}
			altered := bytes.Clone(whole)
			key := at + int(binary.NativeEndian.Uint32(page[header+n*element:]))
			altered[key+int(binary.NativeEndian.Uint32(page[header+n*element+4:]))-1] += 3
			try(altered)
		}
	}
	if branches < 3 || refused < 2*branches {
		t.Errorf("%d files were refused, of %d branches", refused, branches)
	}
}

// wantRefusedOrSame reports whether a file is refused. What is read of another
// is as wanted.
func wantRefusedOrSame(tb testing.TB, file []byte, want map[string][]string) (refused bool) {
	tb.Helper()
	got := readFile(tb, file)
	if got == nil {
		return true
	}
	for what := range want {
		if got[what] != nil && !slices.Equal(got[what], want[what]) {
			tb.Errorf("%s is\n%.300q, want\n%.300q", what, got[what], want[what])
		}
	}
	return false
}

// What is damaged does not become a backup.
func TestBackupDamaged(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path, to := filepath.Join(folder, "test.db"), filepath.Join(folder, "copy.db")
	whole := fullFile(t)
	if err := errors.Join(os.WriteFile(path, whole, 0o600), os.WriteFile(to, []byte("kept"), 0o600)); err != nil {
		t.Fatal(err)
	}
	r := open(t, path, damageOptions())
	altered := bytes.ReplaceAll(whole, []byte("name 7"), []byte("name 8"))
	if err := os.WriteFile(path+".altered", altered, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := bolt.Backup(t.Context(), path+".altered", to, time.Second); !errors.Is(err, bolt.ErrDamaged) {
		t.Errorf("error is %v, want %v", err, bolt.ErrDamaged)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Backup(ended, to); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want %v", err, context.Canceled)
	}
	if kept, err := os.ReadFile(to); string(kept) != "kept" || err != nil {
		t.Errorf("the earlier backup is %q, %v", kept, err)
	}
	// One of two meta pages is enough.
	copy(altered, whole)
	altered[70] ^= 1
	if err := os.WriteFile(path+".altered", altered, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := bolt.Open(path+".altered", damageOptions()); !errors.Is(err, bolt.ErrDamaged) {
		t.Errorf("error is %v, want %v", err, bolt.ErrDamaged)
	}
	if size, err := bolt.Backup(t.Context(), path+".altered", to, time.Second); err != nil || size != int64(len(whole)) {
		t.Errorf("a backup of %d bytes, %v", size, err)
	}
	if names := namesIn(t, folder); len(names) != 3 {
		t.Errorf("the folder has %q", names)
	}
}

// readFile opens a file with these bytes and reads everything, or returns nil
// if it is refused. A check of it agrees.
func readFile(tb testing.TB, file []byte) map[string][]string {
	tb.Helper()
	folder, err := os.MkdirTemp("", "damage")
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	path := filepath.Join(folder, "test.db")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		tb.Fatal(err)
	}
	report, err := bolt.Check(tb.Context(), path, []instance.Kind{numbered(), timed()}, time.Second)
	if err != nil {
		tb.Fatal(err)
	}
	r, err := bolt.Open(path, damageOptions())
	if (err != nil) != (len(report.Problems) > 0) {
		tb.Errorf("open says %v, check %q", err, report.Problems)
	}
	if err != nil {
		if !errors.Is(err, bolt.ErrDamaged) {
			tb.Errorf("error is %v", err)
		}
		return nil
	}
	defer func() {
		if err := r.Close(); err != nil {
			tb.Error(err)
		}
	}()
	found, errs := contentsOf(tb.Context(), r)
	for _, err := range errs {
		if !errors.Is(err, bolt.ErrDamaged) {
			tb.Error(err)
		}
	}
	return found
}

// Records that are altered while the file is open fail the calls that meet
// them: what is read of others is what was written.
func TestAlteredWhileOpen(t *testing.T) {
	t.Parallel()
	whole := fullFile(t)
	want := readFile(t, whole)
	for seed := range uint64(30) {
		random := rand.New(rand.NewPCG(seed, 0))
		r, f := openWritable(t, whole)
		for range 1 + random.IntN(20) {
			at := 2*pageSize + random.IntN(len(whole)-2*pageSize)
			if whole[at&^(pageSize-1)+8] == branchPage {
				// bbolt would follow it in a circle, until the stack is full.
				continue
			}
			if _, err := f.WriteAt([]byte{whole[at] ^ byte(1+random.IntN(255))}, int64(at)); err != nil {
				t.Fatal(err)
			}
		}
		wantNothingElse(t, r, want)
	}
}

// wantNothingElse checks that all that is read is wanted.
func wantNothingElse(t *testing.T, r *bolt.Repository, want map[string][]string) {
	t.Helper()
	got, _ := contentsOf(t.Context(), r)
	for what, values := range got {
		for _, value := range values {
			if !slices.Contains(want[what], value) {
				t.Errorf("%s has\n%.300s", what, value)
			}
		}
	}
}

// openWritable opens a file with these bytes, and once more to alter it.
func openWritable(t *testing.T, whole []byte) (*bolt.Repository, *os.File) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := bolt.Open(path, damageOptions())
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// It may be too damaged to end.
		_ = r.Close()
		_ = f.Close()
	})
	return r, f
}

// A file that is cut off while it is open fails calls, and nothing waits
// forever.
func TestCutOffWhileOpen(t *testing.T) {
	t.Parallel()
	whole := fullFile(t)
	want := readFile(t, whole)
	for seed := range uint64(30) {
		size := rand.New(rand.NewPCG(seed, 0)).IntN(len(whole))
		r, f := openWritable(t, whole)
		if err := f.Truncate(int64(size)); err != nil {
			t.Fatal(err)
		}
		wantNothingElse(t, r, want)
		met := false
		for n := range int64(damageCount) {
			err := r.Delete(t.Context(), sample(n+1).Key(), instance.Change{}, nil, nil)
			if met && !errors.Is(err, bolt.ErrDamaged) && !errors.Is(err, instance.ErrNotFound) {
				t.Errorf("%d bytes: a write to a damaged file: %v", size, err)
			}
			met = met || errors.Is(err, bolt.ErrDamaged)
		}
		_, _ = r.Check(t.Context(), []instance.Kind{numbered(), timed()})
		_ = r.Close()
	}
}

// A backup that is copied over the open file ends its writes: what is free in
// one is in use in the other.
func TestReplacedWhileOpen(t *testing.T) {
	t.Parallel()
	whole := fullFile(t)
	r, f := openWritable(t, whole)
	for n := range int64(10) {
		if err := r.Create(t.Context(), sample(1000+n), instance.Change{}, nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.WriteAt(whole, 0); err != nil {
		t.Fatal(err)
	}
	for n := range int64(2) {
		if err := r.Create(t.Context(), sample(2000+n), instance.Change{}, nil); !errors.Is(err, bolt.ErrDamaged) {
			t.Errorf("error is %v, want %v", err, bolt.ErrDamaged)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if file, err := os.ReadFile(f.Name()); err != nil || !bytes.Equal(file[:len(whole)], whole) {
		t.Errorf("the file has changed, %v", err)
	}
}
