package bolt

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"instances/pkg/auth"
	"instances/pkg/fold"
	"instances/pkg/instance"
)

// oldFile writes a file as layout 1 was.
type oldFile struct {
	tx *bbolt.Tx
	n  uint64
}

// writeOld makes a file of layout 1 at path.
func writeOld(t *testing.T, path string, write func(f *oldFile)) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(func(tx *bbolt.Tx) error {
		for _, name := range []string{
			"instances", "pointers", "codes", "groups", "trash", "trashed", "history",
			"idempotency", "sequences", "credentials", "names", "documents", "format",
		} {
			if _, err := tx.CreateBucket([]byte(name)); err != nil {
				return err
			}
		}
		f := &oldFile{tx: tx}
		f.put(t, "format", "layout", []byte("1"))
		write(f)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func (f *oldFile) put(t *testing.T, name, key string, value []byte) {
	t.Helper()
	if err := f.tx.Bucket([]byte(name)).Put([]byte(key), value); err != nil {
		t.Fatal(err)
	}
}

// next returns another number, as keys end in one.
func (f *oldFile) next() string {
	f.n++
	return oldNumber(f.n)
}

func oldNumber(n uint64) string { return string(binary.BigEndian.AppendUint64(nil, n)) }

func oldTime(t time.Time) string { return oldNumber(uint64(t.UnixMilli()) ^ 1<<63) }

// oldKey ends each part as layout 1 did.
func oldKey(texts ...string) string {
	var key strings.Builder
	for _, text := range texts {
		key.WriteString(strings.ReplaceAll(text, "\x00", "\x00\xff") + "\x00\x01")
	}
	return key.String()
}

// oldRecord is version 1 of the record of an instance, without IdleSince.
func oldRecord(i instance.Instance) []byte {
	b := []byte{1}
	for _, text := range []string{
		fold.String(i.Group), fold.String(i.SubGroup), fold.String(i.Name),
		i.Collection, i.ID, i.Code, i.Group, i.SubGroup, i.Name, i.Owner, i.Status, i.Incarnation,
	} {
		b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
	}
	b = append(b, 1)
	b = binary.AppendVarint(b, i.Version)
	for _, t := range []time.Time{i.CreatedAt, i.UpdatedAt, i.LastSeenAt} {
		b = binary.AppendVarint(b, t.UnixMilli())
	}
	return append(append(b, 1), i.Attributes...)
}

func (f *oldFile) instance(t *testing.T, i instance.Instance) {
	t.Helper()
	key := oldKey(i.Kind.Name, i.Collection, i.SortKey())
	f.put(t, "instances", key, oldRecord(i))
	f.put(t, "codes", oldKey(i.Kind.Name, fold.String(i.Code)), []byte(key))
	f.put(t, "groups", oldKey(i.Kind.Name, fold.String(i.Group), i.Collection, i.SortKey()), nil)
}

func (f *oldFile) trash(t *testing.T, i instance.Instance, at time.Time) {
	t.Helper()
	n := f.next()
	place := oldKey(i.Kind.Name) + oldTime(at) + n
	f.put(t, "trash", place, oldRecord(i))
	f.put(t, "trashed", oldKey(i.Kind.Name, i.Collection, i.ID)+n, []byte(place))
}

func (f *oldFile) event(t *testing.T, i instance.Instance, at, expires time.Time) {
	t.Helper()
	record := map[string]any{"at": at.UnixMilli(), "operation": "create", "incarnation": i.Incarnation, "version": i.Version}
	if !expires.IsZero() {
		record["expires"] = expires.UnixMilli()
	}
	f.put(t, "history", oldKey(i.Kind.Name, i.Collection, i.ID)+f.next(), oldJSON(t, record))
}

func (f *oldFile) answer(t *testing.T, key string, expires time.Time) {
	t.Helper()
	f.put(t, "idempotency", oldKey("o", "r", key), oldJSON(t, map[string]any{
		"fingerprint": "f", "answer": []byte("a"), "expires": expires.Unix(),
	}))
}

func (f *oldFile) credential(t *testing.T, name, owner, secret string, expires, revoked int64) {
	t.Helper()
	f.put(t, "credentials", auth.Hash(secret), oldJSON(t, map[string]any{
		"name": name, "owner": owner, "allow": []string{"*"}, "created": 1, "expires": expires, "revoked": revoked,
	}))
	f.put(t, "names", oldKey(name), []byte(auth.Hash(secret)))
}

func oldJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// all returns what seq yields.
func all[V any](t *testing.T, seq func(yield func(V, error) bool)) []V {
	t.Helper()
	var found []V
	for v, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, v)
	}
	return found
}

// A file of layout 1 works on as if it had been written today.
func TestOldLayout(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	now := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	kind := instance.Kind{Name: "old"}
	sample := func(id, incarnation string) instance.Instance {
		return instance.Instance{
			Kind: kind, Collection: "c\x00\x01", ID: id, Code: "code " + id, Group: "Group", Name: "Name", Owner: "o",
			Status: "up", Active: true, Version: 3, Incarnation: incarnation, CreatedAt: now, UpdatedAt: now,
			LastSeenAt: now, Attributes: json.RawMessage(`{"a":1}`),
		}
	}
	kept, odd := sample("kept", "k"), sample("o\x00dd", "o")
	// Deleted at one time, so that the order of today differs from that of then.
	gone := []instance.Instance{sample("b", "2"), sample("b", "1"), sample("a", "3"), odd}
	writeOld(t, path, func(f *oldFile) {
		f.instance(t, kept)
		for _, i := range gone {
			f.trash(t, i, now)
		}
		f.trash(t, sample("earlier", "0"), now.Add(-time.Hour))
		f.event(t, kept, now, now.Add(time.Hour))
		f.event(t, kept, now, time.Time{})
		f.answer(t, "k", now.Add(30*time.Minute))
		f.credential(t, "first", "o", "1", now.Unix(), 0)
		f.credential(t, "first", "o", "2", 0, 0)
		f.credential(t, "second", "p", "3", now.Add(time.Hour).Unix(), now.Add(-time.Hour).Unix())
	})

	check := func(r *Repository) {
		t.Helper()
		ctx := t.Context()
		if i, err := r.Get(ctx, kept.Key()); err != nil || !reflect.DeepEqual(i, kept) {
			t.Errorf("instance is\n%+v, %v, want\n%+v", i, err, kept)
		}
		for _, q := range []instance.Query{{Name: "name", Status: "up"}, {Group: "group"}, {Code: "CODE KEPT"}} {
			q.Kind, q.Collections = kind, []string{kept.Collection}
			if found := all(t, r.Search(ctx, q)); len(found) != 1 || !reflect.DeepEqual(found[0], kept) {
				t.Errorf("%+v finds %+v", q, found)
			}
		}
		for _, q := range []instance.Query{{Name: "other"}, {Status: "down"}, {Group: "group", SubGroup: "s"}} {
			q.Kind, q.Collections = kind, []string{kept.Collection}
			if found := all(t, r.Search(ctx, q)); len(found) != 0 {
				t.Errorf("%+v finds %+v", q, found)
			}
		}
		var order []string
		for _, d := range all(t, r.Deleted(ctx, kind, time.Time{})) {
			order = append(order, d.ID+d.Incarnation)
			if d.ID == odd.ID && (!reflect.DeepEqual(d.Instance, odd) || d.DeletedAt != now) {
				t.Errorf("deleted is %+v", d)
			}
		}
		if want := []string{"earlier0", "a3", "b1", "b2", "o\x00ddo"}; !reflect.DeepEqual(order, want) {
			t.Errorf("in the trash are %q, want %q", order, want)
		}
		if idle := all(t, r.Idle(ctx, kind, now.AddDate(100, 0, 0))); len(idle) != 0 {
			t.Errorf("idle are %+v", idle)
		}
		for at, want := range map[time.Duration]int{30*time.Minute - 1: 0, 30 * time.Minute: 1, time.Hour: 2} {
			if n, err := r.Tidy(ctx, nil, now.Add(at), 0); err != nil || n != want {
				t.Errorf("expired after %v are %d, %v, want %d", at, n, err, want)
			}
		}
		var ended []string
		for _, c := range all(t, r.EndedCredentials(ctx, now.AddDate(100, 0, 0))) {
			ended = append(ended, c.Name+c.EndedAt().Sub(now).String())
		}
		if want := []string{"second-1h0m0s", "first0s"}; !reflect.DeepEqual(ended, want) {
			t.Errorf("ended are %q, want %q", ended, want)
		}
	}
	options := Options{NoSync: true, Now: func() time.Time { return now }}
	// The second time it is of the layout of today.
	for range 2 {
		r, err := Open(path, options)
		if err != nil {
			t.Fatal(err)
		}
		check(r)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}

	// Every entry leads to what it is of.
	r, err := Open(path, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	ctx, change := t.Context(), instance.Change{At: now, Operation: "purge"}
	if i, err := r.Restore(ctx, odd.Key(), change); err != nil || i.Version != 4 {
		t.Errorf("restored is %+v, %v", i, err)
	}
	// The last of the id, not the greatest incarnation.
	if i, err := r.Restore(ctx, gone[1].Key(), change); err != nil || i.Incarnation != "1" {
		t.Errorf("restored is %+v, %v", i, err)
	}
	for _, d := range all(t, r.Deleted(ctx, kind, time.Time{})) {
		if err := r.Purge(ctx, d, change); err != nil {
			t.Error(err)
		}
	}
	if _, err := r.Tidy(ctx, nil, now.Add(time.Hour), 100); err != nil {
		t.Error(err)
	}
	for _, c := range all(t, r.EndedCredentials(ctx, now.AddDate(100, 0, 0))) {
		if err := r.PurgeCredential(ctx, c); err != nil {
			t.Error(err)
		}
	}
	thief := auth.Credential{Name: "second", Owner: "o", Hash: auth.Hash("4"), CreatedAt: now}
	if err := r.CreateCredential(ctx, thief); !errors.Is(err, auth.ErrNameOfOther) {
		t.Errorf("error is %v, want %v", err, auth.ErrNameOfOther)
	}
	// The instances that came back, their events, and one event without end.
	wantKeys(t, r, map[string]int{
		instancesBucket: 3, codesBucket: 3, groupsBucket: 3, idleBucket: 0, trashBucket: 0, trashedBucket: 0,
		historyBucket: 1 + 2 + 3, idempotencyBucket: 0, expiriesBucket: 0,
		credentialsBucket: 1, namesBucket: 1, ownersBucket: 2, endingsBucket: 0,
	})
}

// wantKeys fails the test unless the buckets hold so many entries.
func wantKeys(t *testing.T, r *Repository, want map[string]int) {
	t.Helper()
	if err := r.view(t.Context(), "count", func(tx *bbolt.Tx) error {
		for name, n := range want {
			if got := bucket(tx, name).b.Stats().KeyN; got != n {
				t.Errorf("%s has %d entries, want %d", name, got, n)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// A file that cannot be brought up to date stays as it is.
func TestOldLayoutDamaged(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	i := instance.Instance{Kind: instance.Kind{Name: "old"}, Collection: "c", ID: "x", Version: 1}
	at := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	for name, key := range map[string]string{
		"trash": oldKey("old") + oldTime(at) + oldNumber(9), "idempotency": oldKey("o", "r", "k"),
		"history": oldKey("old", "c", "x") + oldNumber(9), "credentials": auth.Hash("secret"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := path + name
			writeOld(t, path, func(f *oldFile) {
				f.instance(t, i)
				f.trash(t, i, at)
				f.put(t, name, key, []byte("damaged"))
			})
			before := dump(t, path)
			for range 2 {
				if _, err := Open(path, Options{NoSync: true, LockTimeout: time.Millisecond}); !errors.Is(err, ErrDamaged) {
					t.Errorf("error is %v, want %v", err, ErrDamaged)
				}
				if after := dump(t, path); !reflect.DeepEqual(after, before) {
					t.Errorf("the file holds\n%q, want\n%q", after, before)
				}
			}
		})
	}
}

// dump returns every entry of the file.
func dump(t *testing.T, path string) []string {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	var entries []string
	if err := db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			entries = append(entries, string(name))
			return b.ForEach(func(key, value []byte) error {
				entries = append(entries, fmt.Sprintf("%q: %q", key, value))
				return nil
			})
		})
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return entries
}
