package function

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"testing"
	"time"
)

func TestNewLogger(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	l := NewLogger(&b, slog.LevelInfo, slog.String("function_name", "TopologyGet"))
	l.Debug("not at this level")
	l.Warn("look", slog.Int("status", 200), slog.String("time", "is text"), slog.Group("g", slog.String("msg", "x")))

	var line map[string]any
	if err := json.Unmarshal(b.Bytes(), &line); err != nil {
		t.Fatalf("want one line of JSON: %v\n%s", err, b.String())
	}
	keys := slices.Sorted(maps.Keys(line))
	want := []string{"function_name", "g", "level", "message", "service", "status", "time", "timestamp"}
	if !slices.Equal(keys, want) {
		t.Errorf("keys %v, want %v", keys, want)
	}
	if line["level"] != "WARN" || line["message"] != "look" || line["service"] != "instances" || line["function_name"] != "TopologyGet" {
		t.Errorf("line %v", line)
	}
	text, _ := line["timestamp"].(string)
	if at, err := time.Parse(time.RFC3339, text); err != nil || at.Location() != time.UTC || len(text) != len("2006-01-02T15:04:05.000Z") {
		t.Errorf("timestamp %q", text)
	}
}

func TestLogLevel(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]slog.Level{
		"TRACE": slog.LevelDebug, "DEBUG": slog.LevelDebug, "INFO": slog.LevelInfo, "WARN": slog.LevelWarn,
		"ERROR": slog.LevelError, "FATAL": slog.LevelError, "": slog.LevelInfo, "loud": slog.LevelInfo,
	} {
		if got := logLevel(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}
