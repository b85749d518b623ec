package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"instances/pkg/app"
	"instances/pkg/auth"
	"instances/pkg/cleanup"
	"instances/pkg/cmd/instances/internal/relay"
	"instances/pkg/cmd/instances/internal/serving"
	"instances/pkg/cmd/instances/internal/store"
	"instances/pkg/instance"
	"instances/pkg/repository/bolt"
	"instances/pkg/template"
)

// fillDue makes things that are due, and some that are not, in forty days.
func fillDue(t *testing.T, r repository, c *clock) {
	f := &filler{t, r, c}
	const day = 24 * time.Hour
	one := f.topology("1", instance.Instance{Code: "ONE", Name: "One", Owner: "team"})
	two := f.topology("2", instance.Instance{Code: "TWO", Name: "Two", Owner: "team"})
	f.compute("agent", instance.Instance{Name: "Box", IdleSince: c.Now()})
	f.execution("done", instance.Instance{Name: "Done", Owner: "engine", IdleSince: c.Now()})
	f.execution("busy", instance.Instance{Name: "Busy", Owner: "engine"})
	c.advance(time.Hour)
	f.revokedKey("old")
	f.delete(one)
	c.advance(20 * day)
	f.revokedKey("newer")
	f.delete(two)
	c.advance(20*day - time.Hour)
}

const (
	// dueNow is what is due by default.
	dueNow = `
DUE               KIND      ID   OWNER  NAME  SINCE                 AGE
ended key         -         old  old    -     2025-03-01T13:00:00Z  39d23h
deleted instance  topology  1    team   One   2025-03-01T13:00:00Z  39d23h

`
	countsNow = `STEP                               DUE
tidy up                            0
purge ended keys                   1
purge deleted topology instances   1
purge deleted compute instances    0
purge deleted execution instances  0
`
)

func TestCleanupDryRun(t *testing.T) {
	everywhere(t, fillDue, func(t *testing.T, s *somewhere) {
		// A dry run changes nothing, so that another one finds the same.
		for range 2 {
			got := s.run(t, "cleanup", "--dry-run")
			wantOutput(t, got, dueNow+countsNow)
			if got.stderr != "This was a dry run: nothing was changed.\n" {
				t.Errorf("stderr %q", got.stderr)
			}
		}
		wantOutput(t, s.run(t, "cleanup", "--dry-run", "--older-than", "60d"), strings.ReplaceAll(countsNow, "1\n", "0\n"))
		// With rules for idle instances, and later.
		wantOutput(t, s.run(t, "cleanup", "--dry-run", "--silent-compute", "50d", "--ended-execution", "60d", "--as-of", "2025-04-21"), `
DUE               KIND      ID                                    OWNER  NAME  SINCE                 AGE
idle instance     compute   01890a5d-ac96-774b-bcce-b302099a8057  agent  Box   2025-03-01T12:00:00Z  50d12h
ended key         -         old                                   old    -     2025-03-01T13:00:00Z  50d11h
ended key         -         newer                                 newer  -     2025-03-21T13:00:00Z  30d11h
deleted instance  topology  1                                     team   One   2025-03-01T13:00:00Z  50d11h
deleted instance  topology  2                                     team   Two   2025-03-21T13:00:00Z  30d11h

STEP                               DUE
delete idle compute instances      1
delete idle execution instances    0
tidy up                            0
purge ended keys                   2
purge deleted topology instances   2
purge deleted compute instances    0
purge deleted execution instances  0
`)
		var found struct {
			cleanup.Report
			Due []struct {
				What, ID string
				Since    time.Time
				AgeDays  int
			}
		}
		got := s.run(t, "cleanup", "--dry-run", "--output", "json")
		if err := json.Unmarshal([]byte(got.stdout), &found); err != nil || got.code != exitOK {
			t.Fatalf("%v in %+v", err, got)
		}
		if !found.DryRun || !found.Complete || found.KeysPurged != 1 || found.DeletedPurged["topology"] != 1 || len(found.Due) != 2 {
			t.Errorf("%+v", found)
		}
		if d := found.Due[1]; d.What != cleanup.DeletedInstance || d.ID != "1" || d.AgeDays != 39 || d.Since.IsZero() {
			t.Errorf("%+v", d)
		}
	})
}

func TestCleanup(t *testing.T) {
	everywhere(t, fillDue, func(t *testing.T, s *somewhere) {
		line := []string{"cleanup", "--silent-compute", "30d", "--ended-execution", "39d", "--history-retention", "20d"}
		got := s.run(t, line...)
		wantOutput(t, got, `
STEP                               DONE
delete idle compute instances      1
delete idle execution instances    1
tidy up                            0
purge ended keys                   1
purge deleted topology instances   1
purge deleted compute instances    0
purge deleted execution instances  0
`)
		if got.stderr != "" {
			t.Errorf("stderr %q", got.stderr)
		}
		if got := s.run(t, line...); got.code != exitOK || strings.Contains(got.stdout, "1\n") {
			t.Errorf("the second time: %+v", got)
		}

		// What was purged is gone, what was idle can be restored, the rest is there.
		wantFailure(t, s.run(t, "restore", "topology", "1"), exitFailed, "there is no deleted topology instance 1")
		for _, line := range []string{"restore topology 2", "restore compute " + boxID + " --owner agent", "restore execution done"} {
			if got := s.run(t, strings.Fields(line)...); got.code != exitOK {
				t.Errorf("%s: %+v", line, got)
			}
		}
		wantFailure(t, s.run(t, "restore", "execution", "busy"), exitFailed, "is not deleted")
		if got := s.run(t, "keys", "list"); strings.Contains(got.stdout, "old") || !strings.Contains(got.stdout, "newer") {
			t.Errorf("%+v", got)
		}
		if got := s.run(t, "history", "topology", "1", "--limit", "1"); !strings.HasPrefix(got.stdout, "2025-04-10T12:00:00Z  purge    (operator), version 1\n") {
			t.Errorf("%+v", got)
		}
		if got := s.run(t, "history", "execution", "done"); !strings.Contains(got.stdout, "2025-04-10T12:00:00Z  delete   (operator), version 1\n") {
			t.Errorf("%+v", got)
		}

		s.clock.advance(30 * 24 * time.Hour)
		got = s.run(t, "cleanup", "--output", "json")
		var report cleanup.Report
		if err := json.Unmarshal([]byte(got.stdout), &report); err != nil || got.code != exitOK {
			t.Fatalf("%v in %+v", err, got)
		}
		if report.DryRun || !report.Complete || report.KeysPurged != 1 || report.DeletedPurged["topology"] != 0 {
			t.Errorf("%+v", report)
		}
		// The record of the purge was kept for as long as the command said, but
		// for what the process that serves the folder keeps it.
		got = s.run(t, "history", "topology", "1")
		if got.code != exitOK || strings.Contains(got.stdout, "purge") != s.served || !strings.Contains(got.stdout, "create") {
			t.Errorf("%+v", got)
		}
	})
}

// The embedded database has expired records too.
func TestCleanupExpiredRecords(t *testing.T) {
	t.Parallel()
	s := &somewhere{dir: t.TempDir(), clock: newClock()}
	fillFolder(t, s, func(t *testing.T, r repository, c *clock) {
		f := &filler{t, r, c}
		key := f.execution("demo", instance.Instance{Name: "Demo"})
		i, err := r.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		i.ID = "demo-2"
		record := instance.Idempotency{Owner: "team", Route: "PUT /instances/create", Key: "k", Answer: func(instance.Instance) ([]byte, error) { return []byte("{}"), nil }, ExpiresAt: c.Now().Add(time.Hour)}
		if err := r.Create(t.Context(), i, f.change("create"), &record); err != nil {
			t.Fatal(err)
		}
		c.advance(400 * 24 * time.Hour)
	})
	untidy := func(args ...string) {
		t.Helper()
		if got := s.run(t, append([]string{"cleanup"}, args...)...); got.code != exitOK || !strings.Contains(got.stdout, "tidy up                            3\n") {
			t.Errorf("%+v", got)
		}
	}
	untidy("--dry-run")
	if got := s.run(t, "cleanup", "--dry-run"); !strings.Contains(got.stdout, "\n3 leftovers  -     -   -      -     -      -\n") {
		t.Errorf("%+v", got)
	}
	if got := s.run(t, "cleanup", "--dry-run", "--as-of", "2025-03-03"); !strings.Contains(got.stdout, "\n1 leftover  -") {
		t.Errorf("%+v", got)
	}
	// Such a jump of the clock may be a wrong clock.
	if got := s.run(t, "cleanup"); got.code != exitFailed || !strings.Contains(got.stdout, "tidy up                            0\n") ||
		!strings.Contains(got.stderr, "400 days after the registry was last used") || !strings.Contains(got.stderr, "instances cleanup --yes") {
		t.Errorf("%+v", got)
	}
	untidy("--dry-run")
	untidy("--yes")
	if got := s.run(t, "cleanup", "--dry-run"); strings.Contains(got.stdout, "leftovers") {
		t.Errorf("again: %+v", got)
	}
}

// The function does the same, by hand with the sample event.
func TestInvokeCleanup(t *testing.T) {
	event, err := filepath.Abs(filepath.Join("..", "..", "..", "..", "..", "events", "cleanup.json"))
	if err != nil {
		t.Fatal(err)
	}
	everywhere(t, fillDue, func(t *testing.T, s *somewhere) {
		got := s.run(t, "invoke", "cleanup", "--event", event, "--template", templatePath(t))
		var report cleanup.Report
		if err := json.Unmarshal([]byte(got.stdout), &report); err != nil || got.code != exitOK {
			t.Fatalf("%v in %+v", err, got)
		}
		if report.DryRun || !report.Complete || report.KeysPurged != 1 || report.DeletedPurged["topology"] != 1 {
			t.Errorf("%+v", report)
		}
		wantFailure(t, s.run(t, "restore", "topology", "1"), exitFailed, "there is no deleted topology instance 1")
	})
}

// The defaults of the flags are those of the template.
func TestDefaultRetentions(t *testing.T) {
	t.Parallel()
	tmpl, err := template.Load(templatePath(t))
	if err != nil {
		t.Fatal(err)
	}
	kept, err := serving.HistoryRetention(tmpl)
	if err != nil {
		t.Fatal(err)
	}
	f, ok := tmpl.Function("cleanup")
	if !ok {
		t.Fatal("there is no function cleanup")
	}
	settings, err := app.ParseCleanupSettings(func(name string) string { return f.Environment[name] })
	if err != nil {
		t.Fatal(err)
	}
	if settings.ComputeSilent != 0 || settings.ExecutionEnded != 0 {
		t.Errorf("idle instances are deleted by default: %+v", settings)
	}
	for text, want := range map[string]time.Duration{defaultHistoryRetention: kept, defaultDeletedRetention: settings.Retention} {
		if got, err := parseLifetime(text); err != nil || got != want {
			t.Errorf("%s is %v, %v; the template has %v", text, got, err, want)
		}
	}
}

// disturbed is a repository on which some purges go in another way.
type disturbed struct {
	repository
	purge           func(ctx context.Context, d instance.Deleted, change instance.Change) error
	purgeCredential error
}

func (d *disturbed) Purge(ctx context.Context, i instance.Deleted, change instance.Change) error {
	if d.purge != nil {
		return d.purge(ctx, i, change)
	}
	return d.repository.Purge(ctx, i, change)
}

func (d *disturbed) PurgeCredential(ctx context.Context, c auth.Credential) error {
	if d.purgeCredential != nil {
		return d.purgeCredential
	}
	return d.repository.PurgeCredential(ctx, c)
}

// disturb returns a folder with what [fillDue] makes, open for the test to
// disturb it.
func disturb(t *testing.T) (*somewhere, *disturbed) {
	t.Helper()
	s := &somewhere{dir: t.TempDir(), clock: newClock()}
	fillFolder(t, s, fillDue)
	r, err := bolt.Open(filepath.Join(s.dir, ".data", databaseName), bolt.Options{Now: s.clock.Now, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return s, &disturbed{repository: r}
}

// in returns an environment for commands that run where r is open.
func (s *somewhere) in(r repository, stdout, stderr *bytes.Buffer) environment {
	e := environmentIn(s.dir, strings.NewReader(""), stdout, stderr)
	e.now, e.serving = s.clock.Now, store.New(r, s.clock.Now)
	return e
}

// A step that fails does not keep the others from their work. What failed is
// told, and is the exit code.
func TestCleanupFails(t *testing.T) {
	t.Parallel()
	s, r := disturb(t)
	r.purgeCredential = errors.New("the disk is gone")
	var stdout, stderr bytes.Buffer
	code := execute(t.Context(), []string{"cleanup"}, s.in(r, &stdout, &stderr))
	if code != exitFailed || !strings.Contains(stderr.String(), `ended key "old": the disk is gone`) {
		t.Errorf("code %d, stderr %q", code, stderr.String())
	}
	for _, line := range []string{"purge ended keys                   0\n", "purge deleted topology instances   1\n"} {
		if !strings.Contains(stdout.String(), line) {
			t.Errorf("no %q in\n%s", line, stdout.String())
		}
	}
}

// What changed in between is left alone, and counted.
func TestCleanupLeavesAlone(t *testing.T) {
	t.Parallel()
	s, r := disturb(t)
	r.purge = func(context.Context, instance.Deleted, instance.Change) error { return instance.ErrNotFound }
	var stdout, stderr bytes.Buffer
	code := execute(t.Context(), []string{"cleanup"}, s.in(r, &stdout, &stderr))
	if code != exitOK || stderr.String() != "Left alone, since they changed in the meantime: 1\n" {
		t.Errorf("code %d, stderr %q", code, stderr.String())
	}
}

// An interrupt lets the write that is under way finish, and the command says
// how far it got, also where it runs in another process. The next one goes on.
func TestCleanupInterrupted(t *testing.T) {
	t.Parallel()
	for _, relayed := range []bool{false, true} {
		t.Run(fmt.Sprintf("relayed %v", relayed), func(t *testing.T) {
			t.Parallel()
			s, r := disturb(t)
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			r.purge = func(ctx context.Context, d instance.Deleted, change instance.Change) error {
				interrupt()
				<-ctx.Done()
				if d.ID != "1" {
					return ctx.Err()
				}
				return r.repository.Purge(context.WithoutCancel(ctx), d, change)
			}
			var stdout, stderr bytes.Buffer
			e := s.in(r, &stdout, &stderr)
			if relayed {
				serveCommands(t, s, e.serving)
				e.serving = nil
			}
			code := execute(ctx, []string{"cleanup", "--older-than", "1d"}, e)
			if code != exitFailed || !strings.Contains(stdout.String(), "purge ended keys                   2\n") ||
				!strings.Contains(stdout.String(), "purge deleted topology instances   1\n") {
				t.Errorf("code %d, stdout\n%s", code, stdout.String())
			}
			if want := "interrupted; these steps were not finished, and the next run continues with them: " +
				"purge deleted topology instances, purge deleted compute instances, purge deleted execution instances\n"; !strings.HasSuffix(stderr.String(), want) {
				t.Errorf("stderr %q", stderr.String())
			}

			r.purge = nil
			stdout.Reset()
			if code := execute(t.Context(), []string{"cleanup", "--older-than", "1d"}, e); code != exitOK ||
				!strings.Contains(stdout.String(), "purge deleted topology instances   1\n") {
				t.Errorf("the next run: code %d, stdout\n%s", code, stdout.String())
			}
		})
	}
}

// serveCommands runs the commands of others on an open registry until the test
// ends.
func serveCommands(t *testing.T, s *somewhere, r *registry) {
	t.Helper()
	l, err := relay.Listen(filepath.Join(s.dir, ".data"))
	if err != nil {
		t.Fatal(err)
	}
	e := &environment{now: s.clock.Now, after: never}
	run := func(ctx context.Context, request relay.Request, stdin io.Reader, stdout, stderr io.Writer) int {
		return e.relayed(ctx, r, request, stdin, stdout, stderr)
	}
	ended := make(chan error, 1)
	go func() { ended <- relay.Serve(context.Background(), l, run, slog.New(slog.DiscardHandler)) }()
	t.Cleanup(func() {
		if err := errors.Join(l.Close(), <-ended); err != nil {
			t.Error(err)
		}
	})
}
