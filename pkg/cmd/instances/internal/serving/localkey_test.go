package serving

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"instances/pkg/app"
	"instances/pkg/auth"
	"instances/pkg/cmd/instances/internal/store"
	"instances/pkg/repository/bolt"
)

// openFolder returns a new registry in a folder of its own.
func openFolder(t *testing.T) (dir string, r *bolt.Repository) {
	t.Helper()
	dir = t.TempDir()
	r, err := bolt.Open(filepath.Join(dir, store.DatabaseName), bolt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return dir, r
}

// fileSecret returns the secret in the file of the key.
func fileSecret(t *testing.T, dir string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, localKeyFile))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(string(b), "\n")
}

// checkLocalKey checks that the file holds the secret of a key that may do
// everything, for its owner's eyes only.
func checkLocalKey(t *testing.T, dir string, r app.OperatorRepository) {
	t.Helper()
	c, err := r.Credential(t.Context(), auth.Hash(fileSecret(t, dir)))
	if err != nil {
		t.Fatal(err)
	}
	if c.Name != LocalKey || c.Owner != LocalKey || len(c.Allow) != 1 || c.Allow[0] != auth.AllowAll || !c.Usable(time.Now()) {
		t.Errorf("key %+v", c)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("the folder has %v, %v", entries, err)
	}
	if info, err := os.Stat(filepath.Join(dir, localKeyFile)); err != nil || info.Mode() != 0o600 {
		t.Errorf("file: %v, %v", info, err)
	}
}

// Whatever an earlier start left, the key works after this one, and keeps
// working.
func TestEnsureLocalKeyWorks(t *testing.T) {
	t.Parallel()
	crashed := auth.NewSecret()
	for name, test := range map[string]struct {
		before func(t *testing.T, dir string, r app.OperatorRepository)
		// fresh says that the database is.
		fresh  bool
		note   string
		secret string
	}{
		"first start": {before: func(*testing.T, string, app.OperatorRepository) {}},
		"crash before the file was whole": {
			before: func(t *testing.T, dir string, _ app.OperatorRepository) {
				write(t, filepath.Join(dir, localKeyFile+".new"), "inst_ha")
			},
		},
		"crash before the key was made": {
			before: func(t *testing.T, dir string, _ app.OperatorRepository) {
				write(t, filepath.Join(dir, localKeyFile+".new"), auth.NewSecret()+"\n")
			},
		},
		"crash before the file was in place": {
			before: func(t *testing.T, dir string, r app.OperatorRepository) {
				write(t, filepath.Join(dir, localKeyFile+".new"), crashed+"\n")
				if err := registerLocalKey(t.Context(), r, crashed, time.Now()); err != nil {
					t.Fatal(err)
				}
			},
			note: "shown/local.key was missing, so the key local was revoked and minted again",
		},
		"the database is gone": {
			before: func(t *testing.T, dir string, _ app.OperatorRepository) {
				write(t, filepath.Join(dir, localKeyFile), crashed+"\n")
			},
			fresh:  true,
			secret: crashed,
		},
		"key was revoked and is cleaned up": {
			before: func(t *testing.T, dir string, r app.OperatorRepository) {
				ensure(t, dir, r)
				revoke(t, r)
				purgeKeys(t, r)
				if err := os.Remove(filepath.Join(dir, localKeyFile)); err != nil {
					t.Fatal(err)
				}
			},
		},
		"file is lost": {
			before: func(t *testing.T, dir string, r app.OperatorRepository) {
				ensure(t, dir, r)
				if err := os.Remove(filepath.Join(dir, localKeyFile)); err != nil {
					t.Fatal(err)
				}
			},
			note: "shown/local.key was missing, so the key local was revoked and minted again",
		},
		"file and key are gone": {
			before: func(t *testing.T, dir string, r app.OperatorRepository) {
				ensure(t, dir, r)
				revoke(t, r)
				if err := os.Remove(filepath.Join(dir, localKeyFile)); err != nil {
					t.Fatal(err)
				}
			},
		},
		"file is for everybody": {
			before: func(t *testing.T, dir string, r app.OperatorRepository) {
				ensure(t, dir, r)
				if err := os.Chmod(filepath.Join(dir, localKeyFile), 0o644); err != nil {
					t.Fatal(err)
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, r := openFolder(t)
			test.before(t, dir, r)
			note, err := EnsureLocalKey(t.Context(), r, dir, "shown", test.fresh, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(note, test.note) || (note == "") != (test.note == "") {
				t.Errorf("note %q", note)
			}
			checkLocalKey(t, dir, r)
			secret := fileSecret(t, dir)
			if test.secret != "" && secret != test.secret {
				t.Error("another secret than the crash left")
			}
			if note := ensure(t, dir, r); note != "" || fileSecret(t, dir) != secret {
				t.Errorf("second start: note %q, same secret: %v", note, fileSecret(t, dir) == secret)
			}
		})
	}
}

// What a person did is left alone, and the note says how to go on.
func TestEnsureLocalKeyLeavesAlone(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before func(t *testing.T, dir string, r app.OperatorRepository)
		note   string
	}{
		"revoked": {
			func(t *testing.T, dir string, r app.OperatorRepository) {
				ensure(t, dir, r)
				revoke(t, r)
			},
			"local is revoked or expired",
		},
		"revoked and cleaned up": {
			func(t *testing.T, dir string, r app.OperatorRepository) {
				ensure(t, dir, r)
				revoke(t, r)
				purgeKeys(t, r)
			},
			"does not hold the secret of the key local",
		},
		"file of another key": {
			func(t *testing.T, dir string, r app.OperatorRepository) {
				secret, err := auth.Mint(t.Context(), r, auth.NewKey{Name: "ci", Allow: []string{"*"}}, time.Now())
				if err != nil {
					t.Fatal(err)
				}
				write(t, filepath.Join(dir, localKeyFile), secret)
			},
			"does not hold the secret of the key local",
		},
		"file of no key beside a key": {
			func(t *testing.T, dir string, r app.OperatorRepository) {
				ensure(t, dir, r)
				write(t, filepath.Join(dir, localKeyFile), auth.NewSecret())
			},
			"does not hold the secret of the key local",
		},
		"empty file": {
			func(t *testing.T, dir string, _ app.OperatorRepository) {
				write(t, filepath.Join(dir, localKeyFile), "")
			},
			"does not hold the secret of the key local",
		},
		"weak secret": {
			func(t *testing.T, dir string, _ app.OperatorRepository) {
				write(t, filepath.Join(dir, localKeyFile), "password")
			},
			"does not hold the secret of the key local",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, r := openFolder(t)
			test.before(t, dir, r)
			file, keys := fileSecret(t, dir), names(t, r)
			note := ensure(t, dir, r)
			if !strings.Contains(note, test.note) || !strings.Contains(note, "remove shown/local.key and start again") {
				t.Errorf("note %q", note)
			}
			if fileSecret(t, dir) != file || names(t, r) != keys {
				t.Errorf("keys were %s, are %s", keys, names(t, r))
			}
			// The way that the note tells leads on.
			if err := os.Remove(filepath.Join(dir, localKeyFile)); err != nil {
				t.Fatal(err)
			}
			ensure(t, dir, r)
			checkLocalKey(t, dir, r)
		})
	}
}

// A name that a person gave to somebody is not taken away.
func TestEnsureLocalKeyOfOther(t *testing.T) {
	t.Parallel()
	dir, r := openFolder(t)
	if _, err := auth.Mint(t.Context(), r, auth.NewKey{Name: LocalKey, Owner: "bob", Allow: []string{"*"}}, time.Now()); err != nil {
		t.Fatal(err)
	}
	keys := names(t, r)
	if note := ensure(t, dir, r); !strings.Contains(note, "belongs to another owner") {
		t.Errorf("note %q", note)
	}
	if _, err := os.Stat(filepath.Join(dir, localKeyFile)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("file: %v", err)
	}
	if names(t, r) != keys {
		t.Errorf("keys were %s, are %s", keys, names(t, r))
	}
}

// That is so too when the key of the other one has been cleaned up.
func TestEnsureLocalKeyOfPurged(t *testing.T) {
	t.Parallel()
	dir, r := openFolder(t)
	if _, err := auth.Mint(t.Context(), r, auth.NewKey{Name: LocalKey, Owner: "bob", Allow: []string{"*"}}, time.Now()); err != nil {
		t.Fatal(err)
	}
	revoke(t, r)
	purgeKeys(t, r)
	if note := ensure(t, dir, r); !strings.Contains(note, "belongs to another owner") {
		t.Errorf("note %q", note)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 || names(t, r) != "" {
		t.Errorf("the folder has %v, %v, the keys are %s", entries, err, names(t, r))
	}
}

// purgeKeys removes the keys that ended, as a cleanup does.
func purgeKeys(t *testing.T, r app.OperatorRepository) {
	t.Helper()
	for c, err := range r.EndedCredentials(t.Context(), time.Now().Add(time.Hour)) {
		if err != nil {
			t.Fatal(err)
		}
		if err := r.PurgeCredential(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
}

func ensure(t *testing.T, dir string, r app.OperatorRepository) (note string) {
	t.Helper()
	note, err := EnsureLocalKey(t.Context(), r, dir, "shown", false, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return note
}

func revoke(t *testing.T, r app.OperatorRepository) {
	t.Helper()
	if _, err := r.RevokeCredential(t.Context(), LocalKey, time.Now()); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// names lists the names of the keys and whether they work.
func names(t *testing.T, r app.OperatorRepository) string {
	t.Helper()
	var all strings.Builder
	for c, err := range r.Credentials(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString(c.Name)
		if !c.Usable(time.Now()) {
			all.WriteString(" revoked")
		}
		all.WriteString(", ")
	}
	return all.String()
}
