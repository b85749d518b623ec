package cli

import (
	"testing"
	"time"
)

func TestParseLifetime(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"90d": 90 * day, "1d": day, "36h": 36 * time.Hour, "1d12h": 36 * time.Hour, "1d30m15s": day + 30*time.Minute + 15*time.Second,
		"1s": time.Second, "1.5h": 90 * time.Minute, "007d": 7 * day, "36500d": 36500 * day,
	} {
		if got, err := parseLifetime(text); err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", "d", "0d", "-1d", "+1d", "1d-1h", "1d+1h", "90", "90 d", "d90", "1h1d", "1dd", "1.5d", "3x", "999ms", "0s",
		"36501d", "36500d1s", "99999999999d", "99999999999999999999d", "2000000h", "2562047h48m",
	} {
		if got, err := parseLifetime(text); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}
