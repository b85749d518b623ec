package cleanup_test

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"instances/pkg/cleanup"
)

// readOnly fails the test when something is to be written.
func readOnly(t *testing.T, r cleanup.Repository) cleanup.Repository {
	return faulty{Repository: r, before: func(method string) error {
		if isWrite(method) {
			t.Errorf("%s is called", method)
			return errInjected
		}
		return nil
	}}
}

// recorder keeps what is logged as removed.
type recorder struct {
	slog.Handler
	removed *[]string
}

func (recorder) Enabled(context.Context, slog.Level) bool { return true }

func (r recorder) Handle(_ context.Context, record slog.Record) error {
	if record.Message == "removed" {
		line := ""
		record.Attrs(func(a slog.Attr) bool {
			line += fmt.Sprint(a.Value, ",")
			return true
		})
		*r.removed = append(*r.removed, line)
	}
	return nil
}

func (f *fixture) preview(t *testing.T, asOf time.Time) (cleanup.Report, []cleanup.Due) {
	t.Helper()
	var due []cleanup.Due
	report, err := newSweeper(t, f.options(readOnly(t, f.store))).Preview(t.Context(), asOf, func(d cleanup.Due) error {
		due = append(due, d)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return report, due
}

// A preview changes nothing, and lists just what a cleanup then removes, now or
// later.
func TestPreview(t *testing.T) {
	t.Parallel()
	f := newFixture(t, openBolt)
	f.story(t)
	f.mint(t, "soon", 3*day)
	for n, later := range []time.Duration{0, 7 * day, 365 * day} {
		before := f.state(t)
		asOf := f.Now().Add(later)
		report, due := f.preview(t, asOf)
		f.wantState(t, "after a preview", before)
		if !report.DryRun || !report.AsOf.Equal(asOf) || !report.Complete {
			t.Errorf("%+v", report)
		}
		var told []string
		for _, d := range due {
			if d.What == cleanup.Leftover {
				if d.Count != report.Tidied || d.Age != 0 || !d.Since.IsZero() {
					t.Errorf("%+v, report %+v", d, report)
				}
			} else if d.Age != asOf.Sub(d.Since) || d.Age <= 0 {
				t.Errorf("%+v has another age", d)
			}
			told = append(told, fmt.Sprint(d.What, ",", d.Kind, ",", d.ID, ",", d.Owner, ",", d.Since, ","))
		}

		f.advance(later)
		var removed []string
		o := f.options(f)
		o.Logger = slog.New(recorder{slog.DiscardHandler, &removed})
		swept, err := newSweeper(t, o).Sweep(t.Context(), cleanup.Request{})
		if err != nil {
			t.Fatal(err)
		}
		if least := []int{10, 0, 3}[n]; len(removed) < least || !slices.Equal(told, removed) {
			t.Errorf("told\n%s\nremoved\n%s", strings.Join(told, "\n"), strings.Join(removed, "\n"))
		}
		swept.DryRun = true
		if got, want := counts(report), counts(swept); !reflect.DeepEqual(got, want) {
			t.Errorf("told\n%+v, done\n%+v", got, want)
		}
	}
}

// Without a time a preview is of now, and without a listener it counts.
func TestPreviewNow(t *testing.T) {
	t.Parallel()
	f := newFixture(t, openBolt)
	f.story(t)
	want, _ := f.preview(t, f.Now())
	got, err := newSweeper(t, f.options(readOnly(t, f.store))).Preview(t.Context(), time.Time{}, nil)
	if err != nil || !reflect.DeepEqual(got, want) || tally(got) == 0 {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
}

// The error of who is told ends a preview.
func TestPreviewEnds(t *testing.T) {
	t.Parallel()
	f := newFixture(t, openBolt)
	f.story(t)
	told := 0
	report, err := newSweeper(t, f.options(readOnly(t, f.store))).Preview(t.Context(), time.Time{}, func(cleanup.Due) error {
		told++
		return errInjected
	})
	//nolint:errorlint // It is to be the very error.
	if err != errInjected || told != 1 || report.Complete {
		t.Errorf("told %d times; %+v, %v", told, report, err)
	}
}
