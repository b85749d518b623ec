package app

import (
	"maps"
	"strings"
	"testing"
	"time"
)

func TestReadSettings(t *testing.T) {
	t.Parallel()
	whole := map[string]string{
		"TABLE_NAME": "registry", "HISTORY_RETENTION_DAYS": "365", "CORS_ALLOW_ORIGIN": "https://a.example",
		"COMPUTE_SILENT_AFTER_MINUTES": "20", "NAME_SEARCH": "Indexed",
		"DELETED_RETENTION_DAYS": "7", "COMPUTE_DELETE_SILENT_AFTER_DAYS": "90", "EXECUTION_DELETE_ENDED_AFTER_DAYS": "1",
	}
	s, err := readSettings(func(name string) string { return whole[name] })
	want := settings{
		"registry", 365 * day, "https://a.example", 20 * time.Minute, true, CleanupSettings{7 * day, 90 * day, day},
	}
	if err != nil || s != want {
		t.Errorf("%+v, %v; want %+v", s, err, want)
	}

	for name, test := range map[string]struct {
		change map[string]string
		want   []string
	}{
		"no table":           {map[string]string{"TABLE_NAME": ""}, []string{"TABLE_NAME is not set"}},
		"no retention":       {map[string]string{"HISTORY_RETENTION_DAYS": ""}, []string{"HISTORY_RETENTION_DAYS is not set"}},
		"nothing":            {map[string]string{"TABLE_NAME": "", "HISTORY_RETENTION_DAYS": ""}, []string{"TABLE_NAME", "HISTORY_RETENTION_DAYS"}},
		"retention no days":  {map[string]string{"HISTORY_RETENTION_DAYS": "90d"}, []string{`HISTORY_RETENTION_DAYS is "90d"`}},
		"negative retention": {map[string]string{"HISTORY_RETENTION_DAYS": "-1"}, []string{`HISTORY_RETENTION_DAYS is "-1"`}},
		"mistyped retention": {map[string]string{"HISTORY_RETENTION_DAYS": "365000"}, []string{`HISTORY_RETENTION_DAYS is "365000"`}},
		"no end of history":  {map[string]string{"HISTORY_RETENTION_DAYS": "0"}, nil},
		"no CORS":            {map[string]string{"CORS_ALLOW_ORIGIN": ""}, nil},
		"no silence":         {map[string]string{"COMPUTE_SILENT_AFTER_MINUTES": ""}, nil},
		"silence no minutes": {map[string]string{"COMPUTE_SILENT_AFTER_MINUTES": "15m"}, []string{`COMPUTE_SILENT_AFTER_MINUTES is "15m"`}},
		"silent at once":     {map[string]string{"COMPUTE_SILENT_AFTER_MINUTES": "0"}, []string{`COMPUTE_SILENT_AFTER_MINUTES is "0"`}},
		"no trash":           {map[string]string{"DELETED_RETENTION_DAYS": "0"}, []string{`DELETED_RETENTION_DAYS is "0", not a number of days from 1`}},
		"half a day":         {map[string]string{"DELETED_RETENTION_DAYS": "0.5"}, []string{`DELETED_RETENTION_DAYS is "0.5"`}},
		"forever":            {map[string]string{"DELETED_RETENTION_DAYS": "100000"}, []string{`DELETED_RETENTION_DAYS is "100000"`}},
		"no rules": {map[string]string{
			"DELETED_RETENTION_DAYS": "", "COMPUTE_DELETE_SILENT_AFTER_DAYS": "", "EXECUTION_DELETE_ENDED_AFTER_DAYS": "0",
		}, nil},
		"wrong rules": {
			map[string]string{"COMPUTE_DELETE_SILENT_AFTER_DAYS": "-1", "EXECUTION_DELETE_ENDED_AFTER_DAYS": "never"},
			[]string{`COMPUTE_DELETE_SILENT_AFTER_DAYS is "-1"`, `EXECUTION_DELETE_ENDED_AFTER_DAYS is "never"`},
		},
		"no search by name":      {map[string]string{"NAME_SEARCH": ""}, nil},
		"walk":                   {map[string]string{"NAME_SEARCH": "Walk"}, nil},
		"unknown search by name": {map[string]string{"NAME_SEARCH": "index"}, []string{`NAME_SEARCH is "index", neither Walk nor Indexed`}},
		"mistyped silence":       {map[string]string{"COMPUTE_SILENT_AFTER_MINUTES": "1500000"}, []string{`is "1500000"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env := maps.Clone(whole)
			maps.Copy(env, test.change)
			_, err := readSettings(func(name string) string { return env[name] })
			if (err != nil) != (test.want != nil) {
				t.Fatalf("error %v, want %v", err, test.want)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want %q", err, want)
				}
			}
		})
	}
}

func TestParseSilentAfter(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"": 15 * time.Minute, "1": time.Minute, "60": time.Hour} {
		if got, err := ParseSilentAfter(text); got != want || err != nil {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
}
