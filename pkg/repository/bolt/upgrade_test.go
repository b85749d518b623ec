package bolt_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"instances/pkg/instance"
	"instances/pkg/repository/bolt"
)

// earlier returns a file as an earlier layout was: without the indexes that an
// upgrade makes, and layout 2 without checksums either.
func earlier(t *testing.T, layout string, file []byte, alter func(name string, key, value []byte) []byte) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	type record struct{ name, key, value []byte }
	if err := db.Update(func(tx *bbolt.Tx) error {
		for _, name := range []string{"codes", "groups", "subgroups", "statuses", "labels"} {
			if err := tx.DeleteBucket([]byte(name)); err != nil {
				return err
			}
		}
		var records []record
		if err := tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			return b.ForEach(func(key, value []byte) error {
				switch {
				case string(name) == "format" && string(key) == "layout":
					value = []byte(layout)
				case string(name) == "format" && layout == "2":
					value = nil
				case layout == "2":
					value = alter(string(name), key, value[:len(value)-4])
				}
				records = append(records, record{bytes.Clone(name), bytes.Clone(key), bytes.Clone(value)})
				return nil
			})
		}); err != nil {
			return err
		}
		for _, r := range records {
			if r.value == nil {
				if err := tx.Bucket(r.name).Delete(r.key); err != nil {
					return err
				}
				continue
			}
			if err := tx.Bucket(r.name).Put(r.key, r.value); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return old
}

func unaltered(_ string, _, value []byte) []byte { return value }

// A file of an earlier layout has the same content afterwards, gives out no
// number again, and is kept as it was. A process that was killed on the way does
// not matter.
func TestEarlierLayouts(t *testing.T) {
	t.Parallel()
	whole := fullFile(t)
	for name, test := range map[string]struct {
		layout    string
		interrupt func(path, kept string) error
		// used is when the registry was last used, as far as the file tells.
		used time.Time
	}{
		"layout 3":       {"3", func(string, string) error { return nil }, damageUse()},
		"layout 2":       {"2", func(string, string) error { return nil }, damageTime()},
		"layout 4":       {"4", func(string, string) error { return nil }, damageUse()},
		"before the end": {"4", func(path, _ string) error { return os.WriteFile(path+".upgrade", whole[:9000], 0o600) }, damageUse()},
		"at the end":     {"4", os.Link, damageUse()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			old := earlier(t, test.layout, whole, unaltered)
			folder := t.TempDir()
			path := filepath.Join(folder, "test.db")
			keptName := "test.db.layout-" + test.layout
			keptPath := filepath.Join(folder, keptName)
			if err := errors.Join(os.WriteFile(path, old, 0o600), test.interrupt(path, keptPath)); err != nil {
				t.Fatal(err)
			}
			want := readFile(t, whole)
			for range 2 {
				r, err := bolt.Open(path, damageOptions())
				if err != nil {
					t.Fatal(err)
				}
				if got, errs := contentsOf(t.Context(), r); len(errs) > 0 || !reflect.DeepEqual(got, want) {
					t.Errorf("the content is another one, %v", errs)
				}
				if _, err := bolt.Open(path, damageOptions()); !errors.Is(err, bolt.ErrLocked) {
					t.Errorf("error is %v, want %v", err, bolt.ErrLocked)
				}
				report, err := r.Check(t.Context(), []instance.Kind{numbered(), timed()})
				if err != nil || len(report.Problems) > 0 {
					t.Errorf("report is %q, %v", report.Problems, err)
				}
				if err := r.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if kept, err := os.ReadFile(keptPath); err != nil || !bytes.Equal(kept, old) {
				t.Errorf("the old file was not kept, %v", err)
			}
			later := damageUse().AddDate(1, 0, 0)
			r := open(t, path, bolt.Options{NoSync: true, Now: func() time.Time { return later }})
			if jump, err := r.CheckClock(t.Context(), later, false); err != nil || !jump.From.Equal(test.used) {
				t.Errorf("jump is %v, %v, want from %v", jump, err, test.used)
			}
			if names := namesIn(t, folder); !slices.Equal(names, []string{"test.db", keptName}) {
				t.Errorf("the folder has %q", names)
			}
		})
	}
}

// A file that cannot be brought up to date stays as it is.
func TestEarlierLayoutRefused(t *testing.T) {
	t.Parallel()
	whole := fullFile(t)
	unreadable := func(bucket string) []byte {
		return earlier(t, "2", whole, func(name string, key, value []byte) []byte {
			if name == bucket && bytes.Contains(key, []byte("11")) {
				return []byte("?")
			}
			return value
		})
	}
	for name, test := range map[string]struct {
		file []byte
		more string
	}{
		"instance":           {unreadable("instances"), ""},
		"deleted":            {unreadable("trash"), ""},
		"history":            {unreadable("history"), ""},
		"answer":             {unreadable("idempotency"), ""},
		"another file there": {earlier(t, "4", whole, unaltered), ".layout-4"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			path := filepath.Join(folder, "test.db")
			for _, at := range []string{path, path + test.more} {
				if err := os.WriteFile(at, test.file, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			for range 2 {
				if _, err := bolt.Open(path, damageOptions()); err == nil || errors.Is(err, bolt.ErrDamaged) != (test.more == "") {
					t.Errorf("error is %v", err)
				}
			}
			if file, err := os.ReadFile(path); err != nil || !bytes.Equal(file, test.file) {
				t.Errorf("the file has changed, %v", err)
			}
			if slices.Contains(namesIn(t, folder), "test.db.upgrade") {
				t.Error("a part of a new file is left")
			}
		})
	}
}
