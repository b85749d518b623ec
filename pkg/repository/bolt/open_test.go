package bolt_test

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"instances/pkg/auth"
	"instances/pkg/instance"
	"instances/pkg/repository/bolt"
)

func numbered() instance.Kind { return instance.Kind{Name: "numbered", Order: instance.OrderNumber} }

// sample returns the instance with a number, ready for a create.
func sample(n int64) instance.Instance {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return instance.Instance{
		Kind: numbered(), Collection: instance.Block(n), ID: strconv.FormatInt(n, 10), Code: fmt.Sprint("code-", n),
		Group: "group", Name: fmt.Sprint("name ", n), Owner: "owner", Version: 1,
		Incarnation: instance.NewIncarnation(), CreatedAt: at, UpdatedAt: at,
	}
}

func TestReopen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	ctx := t.Context()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	change := instance.Change{By: "key", Owner: "owner", At: now, RequestID: "r", Operation: "create"}
	credential := auth.Credential{Name: "key", Owner: "owner", Hash: auth.Hash("secret"), CreatedAt: now}
	idem := instance.Idempotency{Owner: "o", Route: "r", Key: "k", Answer: func(instance.Instance) ([]byte, error) { return []byte("a"), nil }, ExpiresAt: now.Add(time.Hour)}

	first, err := bolt.Open(path, bolt.Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		n, err := first.NextNumber(ctx, numbered())
		if err != nil {
			t.Fatal(err)
		}
		if err := first.Create(ctx, sample(n), change, &idem); err != nil {
			t.Fatal(err)
		}
		idem.Key += "2"
	}
	if err := first.Delete(ctx, sample(2).Key(), change, nil, nil); err != nil {
		t.Fatal(err)
	}
	if err := first.CreateCredential(ctx, credential); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("file mode is %v, %v, want 0600", info.Mode(), err)
	}

	second := open(t, path, bolt.Options{Now: func() time.Time { return now }})
	if _, err := second.Get(ctx, sample(1).Key()); err != nil {
		t.Error(err)
	}
	if _, err := second.Get(ctx, sample(2).Key()); !errors.Is(err, instance.ErrNotFound) {
		t.Errorf("deleted instance: %v", err)
	}
	if n, err := second.NextNumber(ctx, numbered()); err != nil || n != 3 {
		t.Errorf("next number is %d, %v, want 3", n, err)
	}
	if i, err := second.Restore(ctx, sample(2).Key(), change); err != nil || i.Version != 2 {
		t.Errorf("restored version %d, %v", i.Version, err)
	}
	events := 0
	for _, err := range second.History(ctx, instance.HistoryQuery{Key: sample(2).Key()}) {
		if err != nil {
			t.Fatal(err)
		}
		events++
	}
	if events != 3 {
		t.Errorf("%d events, want 3", events)
	}
	if _, err := second.Credential(ctx, credential.Hash); err != nil {
		t.Error(err)
	}
	idem.Key = "k"
	var repeated *instance.RepeatedError
	if err := second.Create(ctx, sample(3), change, &idem); !errors.As(err, &repeated) {
		t.Errorf("idempotency record: %v", err)
	}
}

func TestOpenLocked(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	open(t, path, bolt.Options{})
	if _, err := bolt.Open(path, bolt.Options{LockTimeout: time.Millisecond}); !errors.Is(err, bolt.ErrLocked) {
		t.Errorf("in the same process: %v, want %v", err, bolt.ErrLocked)
	}
	other := otherProcess(t, "open", path)
	if line := other.line(t); line != "locked" {
		t.Errorf("another process says %q, want locked", line)
	}
}

// What Create returned for is there after the process was killed.
func TestKilled(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	other := otherProcess(t, "create", path)
	const created = 25
	for range created {
		other.line(t)
	}
	if err := other.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = other.cmd.Wait()
	r := open(t, path, bolt.Options{LockTimeout: 10 * time.Second})
	for n := int64(1); n <= created; n++ {
		if _, err := r.Get(t.Context(), sample(n).Key()); err != nil {
			t.Error(err)
		}
	}
	next, err := r.NextNumber(t.Context(), numbered())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Get(t.Context(), sample(next).Key()); !errors.Is(err, instance.ErrNotFound) {
		t.Errorf("number %d is given out twice", next)
	}
}

// process is this test binary, run again.
type process struct {
	cmd *exec.Cmd
	out *bufio.Scanner
}

// otherProcess runs TestOtherProcess in a process of its own, until t ends.
func otherProcess(t *testing.T, do, path string) *process {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOtherProcess$")
	cmd.Env = append(os.Environ(), "BOLT_TEST_DO="+do, "BOLT_TEST_PATH="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	return &process{cmd, bufio.NewScanner(out)}
}

// line returns the next line that the process prints.
func (p *process) line(t *testing.T) string {
	t.Helper()
	if !p.out.Scan() {
		t.Fatalf("the other process ended: %v", p.out.Err())
	}
	return p.out.Text()
}

// TestOtherProcess is what the other process does.
func TestOtherProcess(t *testing.T) {
	do, path := os.Getenv("BOLT_TEST_DO"), os.Getenv("BOLT_TEST_PATH")
	if do == "" {
		t.Skip("only in the processes that other tests start")
	}
	if do == "fill" {
		fill(path)
		return
	}
	r, err := bolt.Open(path, bolt.Options{LockTimeout: time.Millisecond})
	if errors.Is(err, bolt.ErrLocked) {
		fmt.Println("locked")
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	// It is killed long before it comes to the end.
	for range 100_000 {
		n, err := r.NextNumber(t.Context(), numbered())
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Create(t.Context(), sample(n), instance.Change{Operation: "create"}, nil); err != nil {
			t.Fatal(err)
		}
		fmt.Println("created", n)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	t.Run("no folder", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "none", "test.db")
		_, err := bolt.Open(path, bolt.Options{})
		if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("no database", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "test.db")
		if err := os.WriteFile(path, []byte(strings.Repeat("no database\n", 1000)), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := bolt.Open(path, bolt.Options{}); err == nil || errors.Is(err, bolt.ErrLocked) {
			t.Errorf("error is %v", err)
		}
	})
	t.Run("another layout", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "test.db")
		db, err := bbolt.Open(path, 0o600, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Update(func(tx *bbolt.Tx) error {
			bucket, err := tx.CreateBucket([]byte("format"))
			if err != nil {
				return err
			}
			return bucket.Put([]byte("layout"), []byte("77"))
		}); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			// The second time tells that the first one let go of the file.
			_, err := bolt.Open(path, bolt.Options{LockTimeout: time.Millisecond})
			if err == nil || !strings.Contains(err.Error(), `"77"`) || !strings.Contains(err.Error(), "go back to a backup") {
				t.Errorf("error is %v", err)
			}
		}
	})
}

func TestReserveNumbersLasts(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "test.db")
	r, err := bolt.Open(path, bolt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, upTo := range []int64{100, 5} {
		if err := r.ReserveNumbers(t.Context(), numbered(), upTo); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	r = open(t, path, bolt.Options{NoSync: true})
	if n, err := r.NextNumber(t.Context(), numbered()); err != nil || n != 101 {
		t.Errorf("next number is %d, %v, want 101", n, err)
	}
}

func TestManyCredentials(t *testing.T) {
	t.Parallel()
	r := open(t, filepath.Join(t.TempDir(), "test.db"), bolt.Options{NoSync: true})
	const keys = 600
	for n := range keys {
		c := auth.Credential{Name: fmt.Sprintf("key-%03d", n), Owner: "o", Hash: auth.Hash(strconv.Itoa(n))}
		if err := r.CreateCredential(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	for c, err := range r.Credentials(t.Context()) {
		if err != nil || c.Name != fmt.Sprintf("key-%03d", n) {
			t.Fatalf("key %d is %q, %v", n, c.Name, err)
		}
		n++
	}
	if n != keys {
		t.Errorf("%d keys are listed, want %d", n, keys)
	}
}
