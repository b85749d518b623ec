package cleanup_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"instances/pkg/auth"
	"instances/pkg/cleanup"
	"instances/pkg/instance"
)

// once returns a function that calls do when it is called the first time with
// the name of that method.
func once(method string, do func()) func(string) error {
	done := false
	return func(m string) error {
		if m == method && !done {
			done = true
			do()
		}
		return nil
	}
}

// What changes between the read and the removal is left alone, and counted.
func TestLeftAlone(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		// prepare makes exactly one thing due; meanwhile happens before the
		// method removes it.
		prepare, meanwhile func(t *testing.T, f *fixture)
		method             string
	}{
		"restored": {
			func(t *testing.T, f *fixture) {
				f.create(t, named(), "gone", false)
				f.remove(t, named(), "gone")
				f.advance(retention + time.Second)
			},
			func(t *testing.T, f *fixture) { f.restore(t, named(), "gone") },
			"Purge",
		},
		"restored and deleted again": {
			func(t *testing.T, f *fixture) {
				f.create(t, named(), "gone", false)
				f.remove(t, named(), "gone")
				f.advance(retention + time.Second)
			},
			func(t *testing.T, f *fixture) {
				f.restore(t, named(), "gone")
				f.remove(t, named(), "gone")
			},
			"Purge",
		},
		"seen since": {
			func(t *testing.T, f *fixture) {
				f.create(t, timed(), "silent", true)
				f.advance(idleAfter + time.Second)
			},
			func(t *testing.T, f *fixture) {
				if err := f.Touch(t.Context(), key(timed(), "silent"), f.Now()); err != nil {
					t.Error(err)
				}
			},
			"Delete",
		},
		"changed": {
			func(t *testing.T, f *fixture) {
				f.create(t, timed(), "silent", true)
				f.advance(idleAfter + time.Second)
			},
			func(t *testing.T, f *fixture) {
				_, err := f.Update(t.Context(), key(timed(), "silent"), f.change("patch"), nil, func(i instance.Instance) (instance.Instance, error) {
					i.Name = "changed"
					return i, nil
				})
				if err != nil {
					t.Error(err)
				}
			},
			"Delete",
		},
		"created anew": {
			func(t *testing.T, f *fixture) {
				f.create(t, named(), "silent", true)
				f.advance(2*idleAfter + time.Second)
			},
			func(t *testing.T, f *fixture) {
				f.remove(t, named(), "silent")
				f.create(t, named(), "silent", false)
			},
			"Delete",
		},
		"deleted by another": {
			func(t *testing.T, f *fixture) {
				f.create(t, named(), "silent", true)
				f.advance(2*idleAfter + time.Second)
			},
			func(t *testing.T, f *fixture) { f.remove(t, named(), "silent") },
			"Delete",
		},
		"key revoked before it expired": {
			func(t *testing.T, f *fixture) {
				f.mint(t, "expired", time.Hour)
				f.advance(retention + 2*time.Hour)
			},
			func(t *testing.T, f *fixture) { f.revoke(t, "expired") },
			"PurgeCredential",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, openBolt)
			test.prepare(t, f)
			var after []string
			r := faulty{Repository: f.store, before: once(test.method, func() {
				test.meanwhile(t, f)
				after = f.state(t)
			})}
			report, err := newSweeper(t, f.options(r)).Sweep(t.Context(), cleanup.Request{})
			if err != nil || report.LeftAlone != 1 || report.Failed != 0 || !report.Complete {
				t.Errorf("%+v, %v", report, err)
			}
			if after == nil {
				t.Fatal("nothing happened meanwhile")
			}
			report.LeftAlone, report.Tidied = 0, 0
			if done := tally(report); done != 0 {
				t.Errorf("%d things were removed: %+v", done, report)
			}
			// Expired history goes in any case.
			f.wantInstances(t, after)
		})
	}
}

// wantInstances is wantState but for the leftovers.
func (f *fixture) wantInstances(t *testing.T, want []string) {
	t.Helper()
	keep := func(lines []string) []string {
		return slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return strings.HasPrefix(l, "leftovers ") })
	}
	if got, want := keep(f.state(t)), keep(want); !slices.Equal(got, want) {
		t.Errorf("the state is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// tally is how many things the report counts, leftovers aside.
func tally(r cleanup.Report) int {
	n := r.KeysPurged
	for _, counts := range []map[string]int{r.IdleDeleted, r.DeletedPurged} {
		for _, c := range counts {
			n += c
		}
	}
	return n
}

// One step that fails does not keep the others from their work, and its error
// is among those that are returned.
func TestFailingStep(t *testing.T) {
	t.Parallel()
	for method, failed := range map[string][]string{
		"Idle":             {"delete idle timed instances", "delete idle named instances"},
		"Delete":           {"delete idle timed instances", "delete idle named instances"},
		"EndedCredentials": {"purge ended keys"},
		"PurgeCredential":  {"purge ended keys"},
		"Untidy":           {"tidy up"},
		"Tidy":             {"tidy up"},
		"Deleted":          {"purge deleted numbered instances", "purge deleted timed instances", "purge deleted named instances"},
		"Purge":            {"purge deleted numbered instances", "purge deleted timed instances", "purge deleted named instances"},
	} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, openBolt)
			f.story(t)
			r := faulty{Repository: f.store, before: func(m string) error {
				if m == method {
					return errInjected
				}
				return nil
			}}
			report, err := newSweeper(t, f.options(r)).Sweep(t.Context(), cleanup.Request{})
			if !errors.Is(err, errInjected) || !report.Complete {
				t.Fatalf("%+v, %v", report, err)
			}
			want := storyReport(f)
			switch method {
			case "Idle", "Delete":
				want.IdleDeleted = map[string]int{"timed": 0, "named": 0}
			case "EndedCredentials", "PurgeCredential":
				want.KeysPurged = 0
			case "Tidy", "Untidy":
				want.Tidied = 0
			case "Deleted", "Purge":
				want.DeletedPurged = map[string]int{"numbered": 0, "timed": 0, "named": 0}
			}
			want.Failed = map[string]int{"Delete": 2, "Tidy": 1, "PurgeCredential": 3, "Purge": 8}[method]
			if got := counts(report); !reflect.DeepEqual(got, want) {
				t.Errorf("reports\n%+v, want\n%+v", got, want)
			}
			for _, step := range failed {
				if !strings.Contains(err.Error(), step+": ") {
					t.Errorf("error %q does not name %q", err, step)
				}
			}
			if lines := strings.Count(err.Error(), "injected"); lines != max(len(failed), want.Failed) {
				t.Errorf("error %q tells of %d failures", err, lines)
			}
		})
	}
}

// trash puts n instances into the trash whose time is over.
func (f *fixture) trash(t *testing.T, n int) {
	t.Helper()
	for k := range n {
		id := fmt.Sprintf("id-%03d", k)
		f.create(t, named(), id, false)
		f.remove(t, named(), id)
	}
	f.advance(retention + time.Second)
}

// What cannot be removed does not stand in the way of what can; when all
// fails, a step gives up.
func TestFailures(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		works          func(call int) bool
		purged, failed int
		want, not      string
	}{
		"every second":  {func(call int) bool { return call%2 == 0 }, 15, 15, "and 5 more", "given up"},
		"the first few": {func(call int) bool { return call > 9 }, 21, 9, `deleted instance "id-008"`, "given up"},
		"all":           {func(int) bool { return false }, 0, 10, "given up after 10 failures in a row", "id-010"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, openBolt)
			f.trash(t, 30)
			calls := 0
			r := faulty{Repository: f.store, before: func(method string) error {
				if method != "Purge" {
					return nil
				}
				if calls++; test.works(calls) {
					return nil
				}
				return errInjected
			}}
			report, err := newSweeper(t, f.options(r)).Sweep(t.Context(), cleanup.Request{})
			if report.DeletedPurged["named"] != test.purged || report.Failed != test.failed {
				t.Errorf("%+v", report)
			}
			if !errors.Is(err, errInjected) || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), test.not) {
				t.Errorf("error %v", err)
			}
		})
	}
}

// The history of what is purged or deleted tells who did it.
func TestWho(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ by, want instance.Change }{
		"scheduled": {instance.Change{RequestID: "r"}, instance.Change{By: "(cleanup)", Owner: "(cleanup)", RequestID: "r"}},
		"by hand": {
			instance.Change{By: "(operator)", Owner: "someone", RequestID: "r", Operation: "x", At: time.Unix(1, 0)},
			instance.Change{By: "(operator)", Owner: "someone", RequestID: "r"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if auth.ValidName(cleanup.By) {
				t.Error("a key can have the name of the cleanup")
			}
			f := newFixture(t, openBolt)
			f.create(t, named(), "gone", false)
			f.remove(t, named(), "gone")
			f.advance(retention - idleAfter)
			f.create(t, timed(), "silent", true)
			f.advance(idleAfter + time.Second)
			if _, err := newSweeper(t, f.options(f)).Sweep(t.Context(), cleanup.Request{By: test.by}); err != nil {
				t.Fatal(err)
			}
			for k, operation := range map[instance.Key]string{key(named(), "gone"): "purge", key(timed(), "silent"): "delete"} {
				want := test.want
				want.At, want.Operation = f.Now(), operation
				for e := range all(t, f.History(t.Context(), instance.HistoryQuery{Key: k, Limit: 1})) {
					if e.Change != want {
						t.Errorf("%v: %+v, want %+v", k, e.Change, want)
					}
				}
			}
		})
	}
}

// Nothing is removed before its time.
func TestBoundaries(t *testing.T) {
	t.Parallel()
	f := newFixture(t, openBolt)
	f.mint(t, "revoked", 0)
	f.revoke(t, "revoked")
	f.create(t, named(), "gone", false)
	f.remove(t, named(), "gone")
	f.advance(retention - 2*idleAfter)
	f.create(t, named(), "silent", true)
	f.advance(idleAfter)
	f.create(t, timed(), "silent", true)
	f.advance(idleAfter)
	if got := f.sweep(t); tally(got) != 0 {
		t.Errorf("on the second: %+v", got)
	}
	f.advance(time.Second)
	if got := f.sweep(t); tally(got) != 4 {
		t.Errorf("a second later: %+v", got)
	}
	// What the cleanup deletes can be restored as long as anything else.
	f.advance(retention)
	if got := f.sweep(t); tally(got) != 0 {
		t.Errorf("on the second: %+v", got)
	}
	f.restore(t, timed(), "silent")
}

func TestNew(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*cleanup.Options)
		want   []string
	}{
		"a day":           {func(o *cleanup.Options) { o.Retention, o.Idle[0].After = day, day }, nil},
		"rule off":        {func(o *cleanup.Options) { o.Idle[0].After = 0 }, nil},
		"no rules":        {func(o *cleanup.Options) { o.Idle = nil }, nil},
		"under a day":     {func(o *cleanup.Options) { o.Retention = day - 1 }, []string{"the retention is 23h59m59.999999999s"}},
		"no retention":    {func(o *cleanup.Options) { o.Retention = 0 }, []string{"the retention is 0s"}},
		"negative":        {func(o *cleanup.Options) { o.Retention = -day }, []string{"the retention is -24h0m0s"}},
		"mistyped rule":   {func(o *cleanup.Options) { o.Idle[1].After = 30 }, []string{"idle named instances are deleted is 30ns"}},
		"negative rule":   {func(o *cleanup.Options) { o.Idle[0].After = -1 }, []string{"idle timed instances"}},
		"several at once": {func(o *cleanup.Options) { o.Retention, o.Idle[0].After = 1, 1 }, []string{"the retention", "idle timed"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fixture{}
			o := f.options(nil)
			test.change(&o)
			s, err := cleanup.New(o)
			if (s == nil) != (err != nil) || (err != nil) != (test.want != nil) {
				t.Fatalf("error %v", err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q, want %q", err, want)
				}
			}
		})
	}
}

// logged runs a cleanup at the end of the story and returns the lines of its
// log.
func logged(t *testing.T, level slog.Level, change func(*fixture, *cleanup.Options)) (lines []map[string]any, text string) {
	t.Helper()
	f := newFixture(t, openBolt)
	f.story(t)
	var log bytes.Buffer
	o := f.options(f)
	o.Logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: level}))
	change(f, &o)
	_, _ = newSweeper(t, o).Sweep(t.Context(), cleanup.Request{})
	text = log.String()
	for d := json.NewDecoder(&log); d.More(); {
		var line map[string]any
		if err := d.Decode(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	return lines, text
}

// A run writes one line, and one for each thing on top of that when asked to;
// none holds a secret or what belongs to one.
func TestLog(t *testing.T) {
	t.Parallel()
	same := func(*fixture, *cleanup.Options) {}
	lines, _ := logged(t, slog.LevelInfo, same)
	if len(lines) != 1 {
		t.Fatalf("%d lines: %v", len(lines), lines)
	}
	for name, want := range map[string]any{
		"level": "INFO", "msg": "cleanup", "dry_run": false, "complete": true, "failed": 0., "left_alone": 0., "keys_purged": 3.,
		"tidied":         36.,
		"deleted_purged": map[string]any{"numbered": 2., "timed": 3., "named": 3.},
		"idle_deleted":   map[string]any{"timed": 1., "named": 1.},
	} {
		if got := lines[0][name]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}

	lines, text := logged(t, slog.LevelDebug, same)
	if len(lines) != 1+3+8+2+1 {
		t.Errorf("%d lines with each thing", len(lines))
	}
	f := newFixture(t, openBolt)
	f.story(t)
	for c := range all(t, f.EndedCredentials(context.Background(), f.far())) {
		if strings.Contains(text, c.Hash) {
			t.Errorf("the hash of %s is in the log", c.Name)
		}
	}

	lines, _ = logged(t, slog.LevelInfo, func(f *fixture, o *cleanup.Options) {
		o.Repository = faulty{Repository: f.store, before: func(method string) error {
			if method == "Idle" {
				return errInjected
			}
			return nil
		}}
	})
	if text, _ := lines[0]["error"].(string); len(lines) != 1 || lines[0]["level"] != "ERROR" || !strings.Contains(text, "injected") {
		t.Errorf("a failure is logged as %v", lines)
	}
}
