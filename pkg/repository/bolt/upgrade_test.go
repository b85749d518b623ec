package bolt_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"go.etcd.io/bbolt"

	"instances/pkg/instance"
	"instances/pkg/repository/bolt"
)

// secondLayout returns a file as layout 2 was, without checksums.
func secondLayout(t *testing.T, file []byte, alter func(name string, key, value []byte) []byte) []byte {
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
		var records []record
		if err := tx.ForEach(func(name []byte, b *bbolt.Bucket) error {
			return b.ForEach(func(key, value []byte) error {
				if string(name) == "format" {
					value = []byte("2")
				} else {
					value = alter(string(name), key, value[:len(value)-4])
				}
				records = append(records, record{bytes.Clone(name), bytes.Clone(key), bytes.Clone(value)})
				return nil
			})
		}); err != nil {
			return err
		}
		for _, r := range records {
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

// A file of layout 2 has the same content afterwards, gives out no number
// again, and is kept as it was. A process that was killed on the way does not
// matter.
func TestSecondLayout(t *testing.T) {
	t.Parallel()
	whole := fullFile(t)
	old := secondLayout(t, whole, unaltered)
	for name, interrupt := range map[string]func(t *testing.T, path string) error{
		"whole":          func(*testing.T, string) error { return nil },
		"before the end": func(_ *testing.T, path string) error { return os.WriteFile(path+".upgrade", whole[:9000], 0o600) },
		"at the end":     func(_ *testing.T, path string) error { return os.Link(path, path+".layout-2") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			path := filepath.Join(folder, "test.db")
			if err := errors.Join(os.WriteFile(path, old, 0o600), interrupt(t, path)); err != nil {
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
			if kept, err := os.ReadFile(path + ".layout-2"); err != nil || !bytes.Equal(kept, old) {
				t.Errorf("the old file was not kept, %v", err)
			}
			if names := namesIn(t, folder); !slices.Equal(names, []string{"test.db", "test.db.layout-2"}) {
				t.Errorf("the folder has %q", names)
			}
		})
	}
}

// A file that cannot be brought up to date stays as it is.
func TestSecondLayoutRefused(t *testing.T) {
	t.Parallel()
	whole := fullFile(t)
	unreadable := func(bucket string) []byte {
		return secondLayout(t, whole, func(name string, key, value []byte) []byte {
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
		"another file there": {secondLayout(t, whole, unaltered), ".layout-2"},
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
