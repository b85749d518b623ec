package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"instances/pkg/app"
	"instances/pkg/auth"
	"instances/pkg/cmd/instances/internal/serving"
	"instances/pkg/cmd/instances/internal/store"
	"instances/pkg/compute"
	"instances/pkg/execution"
	"instances/pkg/instance"
	"instances/pkg/repository/bolt"
	"instances/pkg/repository/dynamo"
	"instances/pkg/repository/dynamo/dynamotest"
	"instances/pkg/topology"
)

type (
	repository = app.OperatorRepository
	registry   = store.Registry
)

const (
	databaseName = store.DatabaseName
	localKey     = serving.LocalKey
)

// boxID is the id of a compute instance.
const boxID = "01890a5d-ac96-774b-bcce-b302099a8057"

// clock is a clock that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2025, 3, 1, 12, 0, 0, 0, time.UTC)} }

// Now is safe for concurrent use.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// somewhere is a registry that commands work on, wherever it is.
type somewhere struct {
	dir   string
	clock *clock
	// flags say where it is.
	flags []string
	// served says that another process serves it.
	served bool
}

// run runs a command line there.
func (s *somewhere) run(t *testing.T, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	e := environmentIn(s.dir, strings.NewReader(""), &stdout, &stderr)
	e.now = s.clock.Now
	code := execute(t.Context(), append(args, s.flags...), e)
	return result{code, stdout.String(), stderr.String()}
}

// everywhere runs a test on a registry that fill has filled: in a folder, in a
// folder that is being served, and on a table.
func everywhere(t *testing.T, fill func(*testing.T, repository, *clock), test func(*testing.T, *somewhere)) {
	t.Run("folder", func(t *testing.T) {
		t.Parallel()
		s := &somewhere{dir: t.TempDir(), clock: newClock()}
		fillFolder(t, s, fill)
		test(t, s)
	})
	t.Run("served folder", func(t *testing.T) {
		t.Parallel()
		s := &somewhere{dir: t.TempDir(), clock: newClock(), served: true}
		fillFolder(t, s, fill)
		e := environmentIn(s.dir, strings.NewReader(""), nil, nil)
		e.now = s.clock.Now
		startServeIn(t, e)
		test(t, s)
	})
	t.Run("table", func(t *testing.T) {
		table := dynamotest.NewTable(t)
		awsEnvironment(t, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test")
		s := &somewhere{dir: t.TempDir(), clock: newClock()}
		s.flags = []string{"--table", table.Name, "--endpoint", table.Endpoint, "--region", "us-east-1"}
		fill(t, dynamo.New(dynamo.Config{
			Client: table.Client(nil), Table: table.Name, Now: s.clock.Now, HistoryRetention: fixtureRetention,
		}), s.clock)
		test(t, s)
	})
}

// fixtureRetention is how long the history of what a test fills in is kept.
const fixtureRetention = 365 * 24 * time.Hour

func fillFolder(t *testing.T, s *somewhere, fill func(*testing.T, repository, *clock)) {
	t.Helper()
	data := filepath.Join(s.dir, ".data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	r, err := bolt.Open(filepath.Join(data, databaseName), bolt.Options{
		Now: s.clock.Now, HistoryRetention: fixtureRetention, NoSync: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	fill(t, r, s.clock)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

// filler makes what a test needs.
type filler struct {
	t *testing.T
	repository
	clock *clock
}

func (f *filler) change(operation string) instance.Change {
	return instance.Change{By: "ci", Owner: "team", At: f.clock.Now(), RequestID: "request-1", Operation: operation}
}

// create stores a new instance.
func (f *filler) create(key instance.Key, err error, i instance.Instance) instance.Key {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
	i.Kind, i.Collection, i.ID = key.Kind, key.Collection, key.ID
	i.Version, i.Incarnation = 1, instance.NewIncarnation()
	i.CreatedAt, i.UpdatedAt = f.clock.Now(), f.clock.Now()
	if i.Attributes == nil {
		i.Attributes = json.RawMessage(`{}`)
	}
	if err := f.Create(f.t.Context(), i, f.change("create"), nil); err != nil {
		f.t.Fatal(err)
	}
	return key
}

func (f *filler) topology(id string, i instance.Instance) instance.Key {
	f.t.Helper()
	key, err := topology.Key(id)
	return f.create(key, err, i)
}

// compute makes the instance with [boxID].
func (f *filler) compute(owner string, i instance.Instance) instance.Key {
	f.t.Helper()
	key, err := compute.Key(owner, boxID)
	i.Owner = owner
	return f.create(key, err, i)
}

func (f *filler) execution(id string, i instance.Instance) instance.Key {
	f.t.Helper()
	key, err := execution.Key(id)
	return f.create(key, err, i)
}

// update changes an instance.
func (f *filler) update(key instance.Key, operation string, modify func(*instance.Instance)) {
	f.t.Helper()
	_, err := f.Update(f.t.Context(), key, f.change(operation), nil, func(i instance.Instance) (instance.Instance, error) {
		modify(&i)
		return i, nil
	})
	if err != nil {
		f.t.Fatal(err)
	}
}

// delete moves an instance to the trash.
func (f *filler) delete(key instance.Key) {
	f.t.Helper()
	if err := f.Delete(f.t.Context(), key, f.change("delete"), nil, nil); err != nil {
		f.t.Fatal(err)
	}
}

// revokedKey makes a key and revokes it.
func (f *filler) revokedKey(name string) {
	f.t.Helper()
	if _, err := auth.Mint(f.t.Context(), f, auth.NewKey{Name: name, Allow: []string{auth.AllowAll}}, f.clock.Now()); err != nil {
		f.t.Fatal(err)
	}
	if _, err := f.RevokeCredential(f.t.Context(), name, f.clock.Now()); err != nil {
		f.t.Fatal(err)
	}
}

// wantOutput compares what a command that succeeded printed.
func wantOutput(t *testing.T, got result, stdout string) {
	t.Helper()
	if got.code != exitOK || got.stdout != strings.TrimPrefix(stdout, "\n") {
		t.Errorf("code %d, stderr %q, stdout\n%s\nwant\n%s", got.code, got.stderr, got.stdout, stdout)
	}
}

// wantFailure checks that a command failed, printed nothing else, and says why.
func wantFailure(t *testing.T, got result, code int, stderr string) {
	t.Helper()
	if got.code != code || got.stdout != "" || !strings.Contains(got.stderr, stderr) {
		t.Errorf("%+v, want code %d and %q", got, code, stderr)
	}
}

// fileSecret returns the secret of the key local of a data folder.
func fileSecret(t *testing.T, dir string) string {
	t.Helper()
	secret, err := serving.LocalSecret(dir)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
