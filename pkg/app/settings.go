package app

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"
)

// maxRetentionDays is a hundred years: more is a mistyped number.
const maxRetentionDays = 36_500

// settings is the environment of a function.
type settings struct {
	// table is TABLE_NAME.
	table string
	// historyRetention is HISTORY_RETENTION_DAYS; 0 is for ever.
	historyRetention time.Duration
	// allowOrigin is CORS_ALLOW_ORIGIN; it may be missing.
	allowOrigin string
	// function is AWS_LAMBDA_FUNCTION_NAME, which Lambda sets.
	function string
	// level is AWS_LAMBDA_LOG_LEVEL, which Lambda sets.
	level slog.Level
}

// readSettings reads the environment. Its error names each variable that is
// missing or wrong; the settings are usable for logging it.
func readSettings(getenv func(string) string) (settings, error) {
	s := settings{
		table:       getenv("TABLE_NAME"),
		allowOrigin: getenv("CORS_ALLOW_ORIGIN"),
		function:    getenv("AWS_LAMBDA_FUNCTION_NAME"),
		level:       logLevel(getenv("AWS_LAMBDA_LOG_LEVEL")),
	}
	var errs []error
	if s.table == "" {
		errs = append(errs, errors.New("TABLE_NAME is not set"))
	}
	text := getenv("HISTORY_RETENTION_DAYS")
	days, err := strconv.Atoi(text)
	switch {
	case text == "":
		errs = append(errs, errors.New("HISTORY_RETENTION_DAYS is not set"))
	case err != nil || days < 0 || days > maxRetentionDays:
		errs = append(errs, fmt.Errorf("HISTORY_RETENTION_DAYS is %q, not a number of days from 0 to %d", text, maxRetentionDays))
	}
	s.historyRetention = time.Duration(days) * 24 * time.Hour
	return s, errors.Join(errs...)
}

// logLevel reads a level as Lambda names it. What it does not name is INFO.
func logLevel(text string) slog.Level {
	switch text {
	case "TRACE", "DEBUG":
		return slog.LevelDebug
	case "WARN":
		return slog.LevelWarn
	case "ERROR", "FATAL":
		return slog.LevelError
	}
	return slog.LevelInfo
}
