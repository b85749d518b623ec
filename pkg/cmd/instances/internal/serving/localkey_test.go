package serving

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"instances/pkg/auth"
	"instances/pkg/cmd/instances/internal/store"
	"instances/pkg/repository/bolt"
)

// folder is a registry in a folder of its own.
type folder struct {
	*testing.T
	*bolt.Repository
	dir string
}

func openFolder(t *testing.T) *folder {
	t.Helper()
	f := &folder{T: t, dir: t.TempDir()}
	var err error
	f.Repository, err = bolt.Open(filepath.Join(f.dir, store.DatabaseName), bolt.Options{NoSync: true})
	f.must(err)
	t.Cleanup(func() { f.must(f.Close()) })
	return f
}

func (f *folder) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// ensure is a start of serve on a database that is not new.
func (f *folder) ensure() (note string) {
	f.Helper()
	note, err := EnsureLocalKey(f.Context(), f, f.dir, "shown", false, time.Now())
	f.must(err)
	return note
}

func (f *folder) mint(name, owner string) (secret string) {
	f.Helper()
	secret, err := auth.Mint(f.Context(), f, auth.NewKey{Name: name, Owner: owner, Allow: []string{auth.AllowAll}}, time.Now())
	f.must(err)
	return secret
}

func (f *folder) revoke() {
	f.Helper()
	_, err := f.RevokeCredential(f.Context(), LocalKey, time.Now())
	f.must(err)
}

// purge removes the keys that ended, as a cleanup does.
func (f *folder) purge() {
	f.Helper()
	for c, err := range f.EndedCredentials(f.Context(), time.Now().Add(time.Hour)) {
		f.must(errors.Join(err, f.PurgeCredential(f.Context(), c)))
	}
}

// write writes the file of the key, or that with a suffix.
func (f *folder) write(suffix, text string) {
	f.Helper()
	f.must(os.WriteFile(filepath.Join(f.dir, localKeyFile+suffix), []byte(text), 0o600))
}

// lose removes the file of the key.
func (f *folder) lose() {
	f.Helper()
	f.must(os.Remove(filepath.Join(f.dir, localKeyFile)))
}

// secret returns the secret in the file of the key.
func (f *folder) secret() string {
	f.Helper()
	secret, err := LocalSecret(f.dir)
	f.must(err)
	return secret
}

// keys lists the names of the keys and whether they work.
func (f *folder) keys() string {
	f.Helper()
	var all strings.Builder
	for c, err := range f.Credentials(f.Context()) {
		f.must(err)
		all.WriteString(c.Name)
		if !c.Usable(time.Now()) {
			all.WriteString(" revoked")
		}
		all.WriteString(", ")
	}
	return all.String()
}

// checkKey checks that the file holds the secret of a key that may do
// everything, for its owner's eyes only.
func (f *folder) checkKey() {
	f.Helper()
	c, err := f.Credential(f.Context(), auth.Hash(f.secret()))
	f.must(err)
	if c.Name != LocalKey || c.Owner != LocalKey || len(c.Allow) != 1 || c.Allow[0] != auth.AllowAll || !c.Usable(time.Now()) {
		f.Errorf("key %+v", c)
	}
	entries, err := os.ReadDir(f.dir)
	if err != nil || len(entries) != 2 {
		f.Errorf("the folder has %v, %v", entries, err)
	}
	if info, err := os.Stat(filepath.Join(f.dir, localKeyFile)); err != nil || info.Mode() != 0o600 {
		f.Errorf("file: %v, %v", info, err)
	}
}

// Whatever an earlier start left, the key works after this one, and keeps
// working.
func TestEnsureLocalKeyWorks(t *testing.T) {
	t.Parallel()
	const missing = "shown/local.key was missing, so the key local was revoked and minted again"
	crashed := auth.NewSecret()
	for name, test := range map[string]struct {
		before func(f *folder)
		// fresh says that the database is.
		fresh        bool
		note, secret string
	}{
		"first start":                     {before: func(*folder) {}},
		"crash before the file was whole": {before: func(f *folder) { f.write(".new", "inst_ha") }},
		"crash before the key was made":   {before: func(f *folder) { f.write(".new", auth.NewSecret()+"\n") }},
		"crash before the file was in place": {
			before: func(f *folder) {
				f.write(".new", crashed+"\n")
				f.must(registerLocalKey(f.Context(), f, crashed, time.Now()))
			},
			note: missing,
		},
		"the database is gone":              {before: func(f *folder) { f.write("", crashed+"\n") }, fresh: true, secret: crashed},
		"key was revoked and is cleaned up": {before: func(f *folder) { f.ensure(); f.revoke(); f.purge(); f.lose() }},
		"file is lost":                      {before: func(f *folder) { f.ensure(); f.lose() }, note: missing},
		"file and key are gone":             {before: func(f *folder) { f.ensure(); f.revoke(); f.lose() }},
		"file is for everybody": {before: func(f *folder) {
			f.ensure()
			f.must(os.Chmod(filepath.Join(f.dir, localKeyFile), 0o644))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := openFolder(t)
			test.before(f)
			note, err := EnsureLocalKey(t.Context(), f, f.dir, "shown", test.fresh, time.Now())
			f.must(err)
			if !strings.Contains(note, test.note) || (note == "") != (test.note == "") {
				t.Errorf("note %q", note)
			}
			f.checkKey()
			secret := f.secret()
			if test.secret != "" && secret != test.secret {
				t.Error("another secret than the crash left")
			}
			if note := f.ensure(); note != "" || f.secret() != secret {
				t.Errorf("second start: note %q, same secret: %v", note, f.secret() == secret)
			}
		})
	}
}

// What a person did is left alone, and the note says how to go on.
func TestEnsureLocalKeyLeavesAlone(t *testing.T) {
	t.Parallel()
	const other = "does not hold the secret of the key local"
	for name, test := range map[string]struct {
		before func(f *folder)
		note   string
	}{
		"revoked":                     {func(f *folder) { f.ensure(); f.revoke() }, "local is revoked or expired"},
		"revoked and cleaned up":      {func(f *folder) { f.ensure(); f.revoke(); f.purge() }, other},
		"file of another key":         {func(f *folder) { f.write("", f.mint("ci", "")) }, other},
		"file of no key beside a key": {func(f *folder) { f.ensure(); f.write("", auth.NewSecret()) }, other},
		"empty file":                  {func(f *folder) { f.write("", "") }, other},
		"weak secret":                 {func(f *folder) { f.write("", "password") }, other},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := openFolder(t)
			test.before(f)
			secret, keys := f.secret(), f.keys()
			note := f.ensure()
			if !strings.Contains(note, test.note) || !strings.Contains(note, "remove shown/local.key and start again") {
				t.Errorf("note %q", note)
			}
			if f.secret() != secret || f.keys() != keys {
				t.Errorf("keys were %s, are %s", keys, f.keys())
			}
			// The way that the note tells leads on.
			f.lose()
			f.ensure()
			f.checkKey()
		})
	}
}

// A name that a person gave to somebody is not taken away, also when that key
// has been cleaned up.
func TestEnsureLocalKeyOfOther(t *testing.T) {
	t.Parallel()
	for name, ended := range map[string]bool{"used": false, "cleaned up": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := openFolder(t)
			f.mint(LocalKey, "bob")
			if ended {
				f.revoke()
				f.purge()
			}
			keys := f.keys()
			if note := f.ensure(); !strings.Contains(note, "belongs to another owner") || f.keys() != keys {
				t.Errorf("note %q, keys were %s, are %s", note, keys, f.keys())
			}
			if entries, err := os.ReadDir(f.dir); err != nil || len(entries) != 1 {
				t.Errorf("the folder has %v, %v", entries, err)
			}
		})
	}
}
