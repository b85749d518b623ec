package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"instances/pkg/app"
	"instances/pkg/app/apptest"
	"instances/pkg/app/function"
	"instances/pkg/auth"
	"instances/pkg/cleanup"
	"instances/pkg/compute"
	"instances/pkg/execution"
	"instances/pkg/instance"
	"instances/pkg/topology"
)

const day = 24 * time.Hour

// cleanupOf returns the function on the repository of s.
func cleanupOf(s *apptest.Server, settings app.CleanupSettings, logger *slog.Logger) func(context.Context, string) (map[string]any, error) {
	f := app.Cleanup(app.Dependencies{Repository: s.Repository, Now: s.Clock.Now, Logger: logger, Cleanup: settings})
	return func(ctx context.Context, event string) (answer map[string]any, err error) {
		out, err := f.Invoke(ctx, []byte(event))
		if err != nil {
			return nil, err
		}
		return answer, json.Unmarshal(out, &answer)
	}
}

// fill makes an instance of each kind, which is idle where it can be, and
// deletes another one.
func fill(t *testing.T, s *apptest.Server) {
	t.Helper()
	compKey, err := compute.Key("test", uuid)
	if err != nil {
		t.Fatal(err)
	}
	execKey, err := execution.Key("gone")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []instance.Key{{Kind: topology.Kind(), Collection: instance.Block(1), ID: "1"}, compKey, execKey} {
		change := instance.Change{By: "test", Owner: "test", At: s.Clock.Now(), Operation: "create"}
		for range 2 {
			i := instance.Instance{
				Kind: k.Kind, Collection: k.Collection, ID: k.ID, Name: "x", Owner: "test", Version: 1,
				Incarnation: instance.NewIncarnation(), CreatedAt: change.At, UpdatedAt: change.At, IdleSince: change.At,
			}
			if err := s.Repository.Create(t.Context(), i, change, nil); err != nil {
				t.Fatal(err)
			}
			change.Operation = "delete"
			if err := s.Repository.Delete(t.Context(), k, change, nil, nil); err != nil {
				t.Fatal(err)
			}
			change = instance.Change{By: "test", Owner: "test", At: s.Clock.Now().Add(time.Second), Operation: "create"}
		}
		change.Operation = "restore"
		if _, err := s.Repository.Restore(t.Context(), k, change); err != nil {
			t.Fatal(err)
		}
	}
	s.Mint(t, "revoked", auth.AllowAll)
	if _, err := s.Repository.RevokeCredential(t.Context(), "revoked", s.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	s.Clock.Advance(20 * day)
	s.Mint(t, "later", auth.AllowAll)
	s.Clock.Advance(11 * day)
}

func TestCleanup(t *testing.T) {
	t.Parallel()
	s := apptest.NewBolt(t)
	fill(t, s)
	var log bytes.Buffer
	invoke := cleanupOf(s, app.CleanupSettings{Retention: 30 * day, ExecutionEnded: 10 * day}, function.NewLogger(&log, slog.LevelInfo))
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "fn-1"})

	one := map[string]any{"topology": 1., "compute": 1., "execution": 1.}
	check := func(got map[string]any, dry bool) {
		t.Helper()
		for name, want := range map[string]any{
			"dryRun": dry, "complete": true, "deletedPurged": one, "keysPurged": 1., "failed": 0., "leftAlone": 0.,
			"idleDeleted": map[string]any{"execution": 1.}, "tidied": 0.,
		} {
			if !reflect.DeepEqual(got[name], want) {
				t.Errorf("%s is %v, want %v", name, got[name], want)
			}
		}
	}
	dry, err := invoke(ctx, `{"dryRun":true}`)
	if err != nil {
		t.Fatal(err)
	}
	check(dry, true)
	due, _ := dry["due"].([]any)
	if len(due) != 5 {
		t.Errorf("due are %v", due)
	}
	for _, d := range due {
		d := d.(map[string]any)
		if d["ageDays"] != 30. && d["ageDays"] != 31. || d["what"] == "" || d["id"] == "" || d["owner"] == "" {
			t.Errorf("due is %v", d)
		}
	}
	// The sample is a run with what the schedule asks for.
	event, err := os.ReadFile(filepath.Join("..", "..", "events", "cleanup.json"))
	if err != nil {
		t.Fatal(err)
	}
	swept, err := invoke(ctx, string(event))
	if err != nil {
		t.Fatal(err)
	}
	check(swept, false)
	if _, ok := swept["due"]; ok {
		t.Error("a real run lists what it did")
	}
	execKey, _ := execution.Key("gone")
	var operations []string
	for e, err := range s.Repository.History(t.Context(), instance.HistoryQuery{Key: execKey}) {
		if err != nil {
			t.Fatal(err)
		}
		operations = append(operations, e.Operation)
		if e.By == "(cleanup)" && e.RequestID != "fn-1" {
			t.Errorf("%+v", e)
		}
	}
	slices.Sort(operations)
	if want := []string{"create", "create", "delete", "delete", "delete", "purge", "restore"}; !slices.Equal(operations, want) {
		t.Errorf("history: %q, want %q", operations, want)
	}
	if lines := strings.Split(strings.TrimSpace(log.String()), "\n"); len(lines) != 2 ||
		!strings.Contains(lines[1], `"function_request_id":"fn-1"`) || !strings.Contains(lines[1], `"message":"cleanup"`) {
		t.Errorf("logged %s", &log)
	}

	// What will be due in a month is what was deleted just now.
	later, err := invoke(ctx, `{"dryRun":true,"asOf":"`+s.Clock.Now().Add(31*day).Format(time.RFC3339)+`"}`)
	if err != nil || !reflect.DeepEqual(later["deletedPurged"], map[string]any{"topology": 0., "compute": 0., "execution": 1.}) {
		t.Errorf("%v, %v", later, err)
	}
}

// An event that asks for something else does nothing.
func TestCleanupEvent(t *testing.T) {
	t.Parallel()
	s := apptest.NewBolt(t)
	fill(t, s)
	invoke := cleanupOf(s, app.CleanupSettings{Retention: 30 * day}, slog.New(slog.DiscardHandler))
	for event, want := range map[string]string{
		`{"dryrun":true,"x":1}`:               `unknown field "x"`,
		`{"dry_run":true}`:                    `unknown field "dry_run"`,
		`{"dryRun":"yes"}`:                    "dryRun",
		`{"asOf":"2026-01-01T00:00:00Z"}`:     "asOf is for a dry run only",
		`{"dryRun":true,"asOf":"tomorrow"}`:   "tomorrow",
		`{"time":"<aws.scheduler.time>"}`:     "<aws.scheduler.time>",
		`{"time":"2036-01-01T00:00:00Z"}`:     "as of 2036-01-01T00:00:00Z",
		`{} {}`:                               "there is more after the object",
		`null`:                                "not a JSON object",
		`[]`:                                  "not a JSON object",
		``:                                    "not a JSON object",
		`{"resource":"/","httpMethod":"GET"}`: `unknown field "resource"`,
	} {
		if answer, err := invoke(t.Context(), event); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, %v; want %q", event, answer, err, want)
		}
	}
	if answer, err := invoke(t.Context(), ` {}`); err != nil || answer["keysPurged"] != 1. {
		t.Errorf("{}: %v, %v", answer, err)
	}
}

// The time of the event decides what is due, not a clock that is ahead of it.
func TestCleanupEventTime(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, s *apptest.Server) {
		fill(t, s)
		var log bytes.Buffer
		invoke := cleanupOf(s, app.CleanupSettings{Retention: 30 * day, ExecutionEnded: 10 * day}, function.NewLogger(&log, slog.LevelInfo))
		run := func(at time.Time, purged float64, warned bool) {
			t.Helper()
			log.Reset()
			answer, err := invoke(t.Context(), `{"dryRun": false, "time": "`+at.UTC().Format(time.RFC3339)+`"}`)
			if err != nil {
				t.Fatal(err)
			}
			if answer["asOf"] != at.UTC().Format(time.RFC3339) || answer["keysPurged"] != purged || answer["complete"] != true {
				t.Errorf("as of %v: %v", at, answer)
			}
			if _, ok := answer["warning"]; ok != warned || strings.Contains(log.String(), `"level":"WARN"`) != warned {
				t.Errorf("as of %v: warning %v, log %s", at, answer["warning"], &log)
			}
		}
		now := s.Clock.Now()
		s.Clock.Advance(time.Hour)
		// An hour is what a delivery may take.
		run(now.Add(-2*day), 0, true)
		s.Clock.Advance(400 * day)
		// So that only the time of the event tells.
		if _, err := s.Repository.NextNumber(t.Context(), topology.Kind()); err != nil {
			t.Fatal(err)
		}
		if keeper, ok := s.Repository.(cleanup.Timekeeper); ok {
			if _, err := keeper.CheckClock(t.Context(), s.Clock.Now(), true); err != nil {
				t.Fatal(err)
			}
		}
		run(now.Add(-2*day), 0, true)
		s.Clock.Advance(-400 * day)
		run(now, 1, false)
	})
}

// Locally, a clock that has jumped removes nothing on that day.
func TestCleanupClockJumps(t *testing.T) {
	t.Parallel()
	s := apptest.NewBolt(t)
	fill(t, s)
	var log bytes.Buffer
	invoke := cleanupOf(s, app.CleanupSettings{Retention: 30 * day, ExecutionEnded: 10 * day}, function.NewLogger(&log, slog.LevelInfo))
	run := func(held bool) {
		t.Helper()
		log.Reset()
		answer, err := invoke(t.Context(), `{"time": "`+s.Clock.Now().UTC().Format(time.RFC3339)+`"}`)
		if err != nil {
			t.Fatal(err)
		}
		if answer["complete"] == held || (answer["keysPurged"] == 0.) != held {
			t.Errorf("held %t: %v", held, answer)
		}
		if got := strings.Contains(log.String(), "after the registry was last used"); got != held || strings.Contains(log.String(), `"level":"WARN"`) != held {
			t.Errorf("held %t: logged %s", held, &log)
		}
	}
	s.Clock.Advance(400 * day)
	run(true)
	s.Clock.Advance(time.Hour)
	run(true)
	s.Clock.Advance(day)
	run(false)
}

// What fails makes the invocation fail, so that Lambda tries again.
func TestCleanupFails(t *testing.T) {
	t.Parallel()
	d := dependencies(t, "")
	for name, test := range map[string]struct {
		retention time.Duration
		want      string
	}{
		"broken repository":  {30 * day, "database not open"},
		"mistyped retention": {time.Hour, "the retention is 1h0m0s"},
	} {
		d.Cleanup = app.CleanupSettings{Retention: test.retention}
		out, err := app.Cleanup(d).Invoke(t.Context(), []byte("{}"))
		if err == nil || out != nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %s, %v", name, out, err)
		}
	}
}
