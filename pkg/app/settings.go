package app

import (
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"
)

// The variables of a function's environment that the template sets.
const (
	// TableVariable holds the name of the table.
	TableVariable = "TABLE_NAME"
	// HistoryRetentionVariable holds a number of days; see
	// [ParseHistoryRetention].
	HistoryRetentionVariable = "HISTORY_RETENTION_DAYS"
	// AllowOriginVariable holds [Dependencies.AllowOrigin].
	AllowOriginVariable = "CORS_ALLOW_ORIGIN"
)

// Variables returns the names of all variables that the template sets.
func Variables() []string {
	return []string{TableVariable, HistoryRetentionVariable, AllowOriginVariable}
}

// maxRetentionDays is a hundred years: more is a mistyped number.
const maxRetentionDays = 36_500

// settings is the environment of a function.
type settings struct {
	// table is that of TableVariable.
	table string
	// historyRetention is 0 for ever.
	historyRetention time.Duration
	// allowOrigin may be missing.
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
		table:       getenv(TableVariable),
		allowOrigin: getenv(AllowOriginVariable),
		function:    getenv("AWS_LAMBDA_FUNCTION_NAME"),
		level:       logLevel(getenv("AWS_LAMBDA_LOG_LEVEL")),
	}
	var errs []error
	if s.table == "" {
		errs = append(errs, errors.New(TableVariable+" is not set"))
	}
	var err error
	s.historyRetention, err = ParseHistoryRetention(getenv(HistoryRetentionVariable))
	return s, errors.Join(append(errs, err)...)
}

// ParseHistoryRetention reads how long the history of an instance is kept: a
// number of days from 0, which is for ever, to 36,500.
func ParseHistoryRetention(text string) (time.Duration, error) {
	if text == "" {
		return 0, errors.New(HistoryRetentionVariable + " is not set")
	}
	days, err := strconv.Atoi(text)
	if err != nil || days < 0 || days > maxRetentionDays {
		return 0, fmt.Errorf("%s is %q, not a number of days from 0 to %d", HistoryRetentionVariable, text, maxRetentionDays)
	}
	return time.Duration(days) * 24 * time.Hour, nil
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
