package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"instances/pkg/cmd/instances/internal/text"
	"instances/pkg/instance"
)

// An age has two units, and can be given back as a period.
func TestAge(t *testing.T) {
	t.Parallel()
	for want, d := range map[string]time.Duration{
		"0s":      0,
		"59s":     59*time.Second + 999*time.Millisecond,
		"1m":      time.Minute,
		"59m59s":  time.Hour - time.Second,
		"1h":      time.Hour + 59*time.Second,
		"23h59m":  24*time.Hour - time.Second,
		"1d":      24*time.Hour + 59*time.Minute,
		"400d23h": 401*24*time.Hour - time.Second,
	} {
		got := text.Age(d)
		if got != want {
			t.Errorf("%v is %s, want %s", d, got, want)
		}
		if back, err := parseLifetime(got); d > 0 && (err != nil || back > d || text.Age(back) != want) {
			t.Errorf("%s is read as %v, %v", got, back, err)
		}
	}
	if got := text.Age(-time.Hour); got != "0s" {
		t.Errorf("what is to come is %s old", got)
	}
}

// A change takes one line of the width, and no value is cut that has room.
func TestDescribeChange(t *testing.T) {
	t.Parallel()
	value := func(n int) json.RawMessage { return json.RawMessage(`"` + strings.Repeat("é", n) + `"`) }
	for _, test := range []struct {
		old, new int
		cut      int
	}{
		{10, 10, 0}, {30, 20, 0}, {20, 30, 0}, {50, 25, 1}, {25, 50, 1}, {80, 80, 2}, {10, 80, 1}, {80, 10, 1},
	} {
		line := describeChange(instance.FieldChange{Field: "f", Old: value(test.old), New: value(test.new)}, 70)
		if n := utf8.RuneCountInString(line); n > 70 || test.cut > 0 && n < 70 {
			t.Errorf("%d to %d: %d characters: %s", test.old, test.new, n, line)
		}
		if n := strings.Count(line, "…"); n != test.cut {
			t.Errorf("%d to %d: %d values are cut: %s", test.old, test.new, n, line)
		}
	}
	long := strings.Repeat("name", 40)
	got := describeChange(instance.FieldChange{Field: long, New: value(80)}, 70)
	if !strings.HasPrefix(got, long+": - → \"é") || !strings.HasSuffix(got, "…") {
		t.Errorf("a long name: %s", got)
	}
}
