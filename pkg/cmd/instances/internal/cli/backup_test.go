package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A backup is the whole registry, made while it is served or not, and a check
// reads all of it.
func TestBackup(t *testing.T) {
	everywhere(t, fillTrash, func(t *testing.T, s *somewhere) {
		if slices.Contains(s.flags, "--table") {
			wantFailure(t, s.run(t, "backup", "--to", "copy.db"), exitUsage, "table")
			wantFailure(t, s.run(t, "check"), exitUsage, "table")
			return
		}
		got := s.run(t, "check")
		if got.code != exitOK || !strings.HasPrefix(got.stdout, "All is well: 2 instances, 6 deleted, 14 history records, ") {
			t.Errorf("the check says %+v", got)
		}
		if err := os.WriteFile(filepath.Join(s.dir, "kept"), []byte("kept"), 0o600); err != nil {
			t.Fatal(err)
		}
		wantFailure(t, s.run(t, "backup"), exitUsage, "--to")
		wantFailure(t, s.run(t, "backup", "--to", "kept", "--data", ""), exitUsage, "--data")
		wantFailure(t, s.run(t, "backup", "--to", "none/copy.db"), exitFailed, "none/copy.db: its folder does not exist")
		wantFailure(t, s.run(t, "backup", "--to", ".data"), exitFailed, "is a folder")
		wantFailure(t, s.run(t, "backup", "--to", filepath.Join(".data", databaseName)), exitFailed, "is the database itself")
		wantFailure(t, s.run(t, "backup", "--to", "kept", "--data", "nowhere"), exitFailed, "no registry")
		if kept, err := os.ReadFile(filepath.Join(s.dir, "kept")); string(kept) != "kept" {
			t.Errorf("the file has %q, %v", kept, err)
		}

		back := &somewhere{dir: t.TempDir(), clock: s.clock}
		data := filepath.Join(back.dir, ".data")
		copied := filepath.Join(data, databaseName)
		if err := os.Mkdir(data, 0o700); err != nil {
			t.Fatal(err)
		}
		// The second one replaces the first.
		for range 2 {
			if got := s.run(t, "backup", "--to", copied); got.code != exitOK || !strings.Contains(got.stderr, copied) {
				t.Fatalf("the backup says %+v", got)
			}
		}
		if info, err := os.Stat(copied); err != nil || info.Mode() != 0o600 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
		if left, err := os.ReadDir(data); err != nil || len(left) != 1 {
			t.Errorf("the folder has %v, %v", left, err)
		}
		for _, line := range []string{
			"check", "keys list", "deleted topology", "deleted compute", "deleted execution", "history topology 1", "export",
		} {
			words := strings.Fields(line)
			if got, want := back.run(t, words...).stdout, s.run(t, words...).stdout; got != want {
				t.Errorf("%s of the backup says\n%s\nwant\n%s", line, got, want)
			}
		}
	})
}

// A damaged file is named, with what to do, and is no backup.
func TestDamagedFolder(t *testing.T) {
	t.Parallel()
	s := &somewhere{dir: t.TempDir(), clock: newClock()}
	fillFolder(t, s, fillTrash)
	database := filepath.Join(s.dir, ".data", databaseName)
	if err := os.Truncate(database, 9000); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"keys list", "serve --template " + templatePath(t)} {
		got := s.run(t, strings.Fields(line)...)
		wantFailure(t, got, exitFailed, "it is cut off: it has 9000 bytes of ")
		if !strings.Contains(got.stderr, "copy a backup over "+database) || strings.Count(got.stderr, "\n") != 1 {
			t.Errorf("%s says %q", line, got.stderr)
		}
	}
	if got := s.run(t, "check"); got.code != exitFailed || !strings.HasPrefix(got.stdout, "it is cut off") {
		t.Errorf("the check says %+v", got)
	}
	wantFailure(t, s.run(t, "backup", "--to", "copy.db"), exitFailed, "damaged")
	if left, err := os.ReadDir(s.dir); err != nil || len(left) != 1 {
		t.Errorf("the folder has %v, %v", left, err)
	}
}
