package main

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"instances/pkg/cleanup"
)

// maxLifetime is the longest lifetime of a key that can be asked for: what is
// meant to be longer has none.
const maxLifetime = 100 * 365 * 24 * time.Hour

// parseLifetime reads a positive duration as Go writes them, with days in
// front where wanted: 90d, 36h, 1d12h.
func parseLifetime(text string) (time.Duration, error) {
	invalid := errors.New("want a time such as 90d, 36h or 1d12h")
	var total time.Duration
	rest := text
	if days := regexp.MustCompile(`^([0-9]+)d`).FindStringSubmatch(text); days != nil {
		n, err := strconv.ParseInt(days[1], 10, 32)
		if err != nil || n > int64(maxLifetime/(24*time.Hour)) {
			return 0, fmt.Errorf("more than %d days", maxLifetime/(24*time.Hour))
		}
		total = time.Duration(n) * 24 * time.Hour
		rest = strings.TrimPrefix(text, days[0])
	}
	if rest != "" {
		if strings.ContainsAny(rest, "+-") {
			return 0, invalid
		}
		d, err := time.ParseDuration(rest)
		if err != nil {
			return 0, invalid
		}
		if d > maxLifetime-total {
			return 0, fmt.Errorf("more than %d days", maxLifetime/(24*time.Hour))
		}
		total += d
	}
	if total < time.Second {
		return 0, invalid
	}
	return total, nil
}

// parseRetention reads the value of a flag that says how long something is
// kept: for a day at least, since less is a mistyped number.
func parseRetention(flag, text string) (time.Duration, error) {
	d, err := parseLifetime(text)
	if err != nil {
		return 0, misused("--%s %q: %s", flag, text, err)
	}
	if d < cleanup.MinRetention {
		return 0, misused("--%s %q: less than a day, which must be mistyped: want 1d or more", flag, text)
	}
	return d, nil
}

// defaultHistoryRetention is the default of the template's parameter.
const defaultHistoryRetention = "365d"

// historyRetentionFlag adds the flag for the time that the history records of
// a command are kept, and returns what reads it: 0 means for ever.
func historyRetentionFlag(c *call) func() (time.Duration, error) {
	const name = "history-retention"
	text := c.flags.String(name, defaultHistoryRetention,
		"keep the history records of this for `TIME`, such as 365d, or 0 for ever; a process that serves the data folder has its own")
	return func() (time.Duration, error) {
		if *text == "0" {
			return 0, nil
		}
		return parseRetention(name, *text)
	}
}
