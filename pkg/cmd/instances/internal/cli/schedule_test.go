package cli

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	"instances/pkg/auth"
	"instances/pkg/cmd/instances/internal/serving"
	"instances/pkg/cmd/instances/internal/store"
	"instances/pkg/instance"
	"instances/pkg/template"
)

// timer is a timer that a test fires.
type timer struct {
	// asked gets each time that is asked for.
	asked chan time.Duration
	fire  chan time.Time
}

func newTimer() *timer { return &timer{make(chan time.Duration, 1), make(chan time.Time)} }

func (t *timer) after(d time.Duration) <-chan time.Time {
	t.asked <- d
	return t.fire
}

// A server removes what is due when it has started, and then every day, with a
// line in its log for each time.
func TestServeCleansUp(t *testing.T) {
	t.Parallel()
	s := &somewhere{dir: t.TempDir(), clock: newClock()}
	fillFolder(t, s, fillDue)
	timer := newTimer()
	e := environmentIn(s.dir, strings.NewReader(""), nil, nil)
	e.now, e.after = s.clock.Now, timer.after
	server := startServeIn(t, e)

	if wait := <-timer.asked; wait <= 0 || wait > time.Minute {
		t.Errorf("the first run is in %v", wait)
	}
	if got := s.run(t, "deleted", "topology"); !strings.Contains(got.stdout, "ONE") {
		t.Fatalf("before: %+v", got)
	}
	timer.fire <- time.Time{}
	if wait := <-timer.asked; wait != 24*time.Hour {
		t.Errorf("the next run is in %v", wait)
	}
	if got := s.run(t, "deleted", "topology"); strings.Contains(got.stdout, "ONE") || !strings.Contains(got.stdout, "TWO") {
		t.Errorf("after the first run: %+v", got)
	}
	if got := s.run(t, "history", "topology", "1", "--limit", "1"); !strings.Contains(got.stdout, "purge    (cleanup), version 1\n") {
		t.Errorf("%+v", got)
	}
	log := func() []string {
		var lines []string
		for line := range strings.SplitSeq(server.stderr.String(), "\n") {
			if strings.Contains(line, `"function_name":"cleanup"`) {
				lines = append(lines, line)
			}
		}
		return lines
	}
	if lines := log(); len(lines) != 1 || !strings.Contains(lines[0], `"level":"INFO"`) || !strings.Contains(lines[0], `"keys_purged":1`) {
		t.Errorf("logged %q", lines)
	}

	s.clock.advance(20 * 24 * time.Hour)
	timer.fire <- time.Time{}
	<-timer.asked
	if got := s.run(t, "deleted", "topology"); strings.Contains(got.stdout, "TWO") {
		t.Errorf("after the second run: %+v", got)
	}
	if lines := log(); len(lines) != 2 {
		t.Errorf("logged %q", lines)
	}
	if code := server.stop(); code != exitOK {
		t.Errorf("exit code %d: %s", code, server.stderr)
	}
}

// A start by a clock that is 400 days ahead removes nothing, nor does the next
// one, whatever is written meanwhile. The run on the next day goes by the clock.
func TestServeClockJumps(t *testing.T) {
	t.Parallel()
	s := &somewhere{dir: t.TempDir(), clock: newClock()}
	fillFolder(t, s, fillDue)
	s.clock.advance(400 * 24 * time.Hour)
	run := func(name string, held bool) {
		t.Helper()
		timer := newTimer()
		e := environmentIn(s.dir, strings.NewReader(""), nil, nil)
		e.now, e.after = s.clock.Now, timer.after
		server := startServeIn(t, e)
		<-timer.asked
		if got := s.run(t, "keys", "create", "--name", name, "--allow", "topology:read"); got.code != exitOK {
			t.Fatalf("%+v", got)
		}
		timer.fire <- time.Time{}
		<-timer.asked
		if got := s.run(t, "deleted", "topology"); strings.Contains(got.stdout, "ONE") != held {
			t.Errorf("%s: %+v", name, got)
		}
		if code := server.stop(); code != exitOK {
			t.Errorf("exit code %d: %s", code, server.stderr)
		}
		if log := server.stderr.String(); strings.Contains(log, "nothing is removed: the clock is at 2026-05-15T12:00:00Z, 419 days after") != held {
			t.Errorf("%s: logged %s", name, log)
		}
	}
	run("one", true)
	s.clock.advance(time.Hour)
	run("two", true)
	s.clock.advance(24 * time.Hour)
	run("three", false)
}

// blocked is a repository whose list of ended keys does what a test wants.
type blocked struct {
	repository
	ended func(ctx context.Context) error
}

func (b *blocked) EndedCredentials(ctx context.Context, _ time.Time) iter.Seq2[auth.Credential, error] {
	return func(yield func(auth.Credential, error) bool) {
		if err := b.ended(ctx); err != nil {
			yield(auth.Credential{}, err)
		}
	}
}

// scheduled starts the functions on a schedule on a repository, and returns the
// log and what stops them.
func scheduled(t *testing.T, r repository, s *somewhere, after func(time.Duration) <-chan time.Time) (log *bytes.Buffer, stop func()) {
	t.Helper()
	tmpl, err := template.Load(templatePath(t))
	if err != nil {
		t.Fatal(err)
	}
	log = new(bytes.Buffer)
	server := &serving.Server{Now: s.clock.Now, After: after, Template: tmpl, Logger: newLogger(log, true)}
	functions, err := serving.NewFunctions(tmpl, store.New(r, s.clock.Now), s.clock.Now, server.Logger)
	if err != nil {
		t.Fatal(err)
	}
	return log, server.Schedule(t.Context(), functions)
}

// A server that stops does not wait for a run, but interrupts it.
func TestScheduleStops(t *testing.T) {
	t.Parallel()
	s, r := disturb(t)
	timer, entered := newTimer(), make(chan struct{})
	log, stop := scheduled(t, &blocked{r, func(ctx context.Context) error {
		close(entered)
		<-ctx.Done()
		return ctx.Err()
	}}, s, timer.after)
	<-timer.asked
	timer.fire <- time.Time{}
	<-entered
	stop()
	if strings.Contains(log.String(), "scheduled function failed") {
		t.Errorf("logged %s", log)
	}
	// It stopped before the trash.
	var left []string
	for d, err := range r.Deleted(t.Context(), instance.Kind{Name: "topology", Order: instance.OrderNumber}, time.Time{}) {
		if err != nil {
			t.Fatal(err)
		}
		left = append(left, d.ID)
	}
	if strings.Join(left, " ") != "1 2" {
		t.Errorf("left %q", left)
	}
}

// Neither an error nor a panic ends the server or the schedule.
func TestScheduleGoesOn(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		ended func(context.Context) error
		want  string
	}{
		"error": {func(context.Context) error { return errors.New("the disk is gone") }, "scheduled function failed"},
		"panic": {func(context.Context) error { panic("the disk is gone") }, "scheduled function panicked"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, r := disturb(t)
			timer := newTimer()
			log, stop := scheduled(t, &blocked{r, test.ended}, s, timer.after)
			for range 2 {
				<-timer.asked
				timer.fire <- time.Time{}
			}
			<-timer.asked
			stop()
			if got := log.String(); strings.Count(got, test.want) != 2 || !strings.Contains(got, "the disk is gone") {
				t.Errorf("logged %s", got)
			}
		})
	}
}
