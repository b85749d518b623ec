package bolt_test

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"instances/pkg/instance"
	"instances/pkg/repository/bolt"
)

// A first start that runs out of space leaves nothing that a later one meets.
func TestCreateOnFullDisk(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	other := otherProcess(t, "fill", path)
	failed := 0
	for line := other.line(t); line != "done"; line = other.line(t) {
		if !strings.HasSuffix(line, syscall.EFBIG.Error()+", leaves []") {
			t.Fatal(line)
		}
		failed++
	}
	if failed == 0 {
		t.Error("no start failed")
	}
	if err := open(t, path, bolt.Options{}).Create(t.Context(), sample(1), instance.Change{}, nil); err != nil {
		t.Error(err)
	}
}

// fill opens a file as often as a limit of its size lets that fail.
func fill(path string) {
	signal.Ignore(syscall.SIGXFSZ)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		fmt.Println(err)
		return
	}
	for limit.Cur = 0; ; limit.Cur += 1024 {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
			fmt.Println(err)
			return
		}
		r, err := bolt.Open(path, bolt.Options{})
		if err == nil {
			_ = r.Close()
			_ = os.Remove(path)
			break
		}
		left, readErr := os.ReadDir(filepath.Dir(path))
		fmt.Print(errors.Join(err, readErr), ", leaves ", left, "\n")
	}
	fmt.Println("done")
}

// Of those that make a file at once, all get the same.
func TestCreateAtOnce(t *testing.T) {
	t.Parallel()
	for range 20 {
		path := filepath.Join(t.TempDir(), "test.db")
		const processes = 4
		var group sync.WaitGroup
		begin := make(chan struct{})
		for n := range int64(processes) {
			group.Go(func() {
				<-begin
				r, err := bolt.Open(path, bolt.Options{LockTimeout: time.Minute, NoSync: true})
				if err != nil {
					t.Error(err)
					return
				}
				if err := errors.Join(r.Create(t.Context(), sample(n+1), instance.Change{}, nil), r.Close()); err != nil {
					t.Error(err)
				}
			})
		}
		close(begin)
		group.Wait()
		r := open(t, path, bolt.Options{})
		for n := range int64(processes) {
			if _, err := r.Get(t.Context(), sample(n+1).Key()); err != nil {
				t.Error(err)
			}
		}
	}
}

// What a process left that was killed while it made the file goes.
func TestCreateAfterKilled(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, name := range []string{"test.db.new-1", "test.db.new-2", "other.db.new-1"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	open(t, filepath.Join(folder, "test.db"), bolt.Options{})
	if names := strings.Join(namesIn(t, folder), " "); names != "other.db.new-1 test.db" {
		t.Errorf("the folder has %s", names)
	}
}

// namesIn returns what a folder has.
func namesIn(t *testing.T, folder string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}
