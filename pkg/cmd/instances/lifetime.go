package main

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
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
