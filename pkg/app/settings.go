package app

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"instances/pkg/app/function"
)

// The variables of a function's environment that the template sets, besides
// [function.AllowOriginVariable].
const (
	// TableVariable holds the name of the table.
	TableVariable = "TABLE_NAME"
	// HistoryRetentionVariable holds a number of days; see
	// [ParseHistoryRetention].
	HistoryRetentionVariable = "HISTORY_RETENTION_DAYS"
	// SilentAfterVariable holds a number of minutes; see [ParseSilentAfter].
	SilentAfterVariable = "COMPUTE_SILENT_AFTER_MINUTES"
	// NameSearchVariable holds how to search for a part of a name; see
	// [ParseNameSearch].
	NameSearchVariable = "NAME_SEARCH"
	// DeletedRetentionVariable holds a number of days; see
	// [ParseCleanupSettings].
	DeletedRetentionVariable = "DELETED_RETENTION_DAYS"
	// ComputeSilentVariable and ExecutionEndedVariable hold numbers of days;
	// see [ParseCleanupSettings].
	ComputeSilentVariable  = "COMPUTE_DELETE_SILENT_AFTER_DAYS"
	ExecutionEndedVariable = "EXECUTION_DELETE_ENDED_AFTER_DAYS"
)

// maxSilentMinutes is a year: more is a mistyped number.
const maxSilentMinutes = 366 * 24 * 60

// defaultSilentAfter is also the default of the template's parameter. It
// counts where the variable is not set, as the functions that do not need it
// lack it.
const defaultSilentAfter = 15 * time.Minute

// defaultDeletedRetention is the default of the template's parameter too.
const defaultDeletedRetention = 30 * day

// day is what the template's parameters count.
const day = 24 * time.Hour

// maxRetentionDays is a hundred years: more is a mistyped number.
const maxRetentionDays = 36_500

// settings is the environment of a function.
type settings struct {
	// table is the value of TableVariable.
	table string
	// historyRetention is 0 to keep the history forever.
	historyRetention time.Duration
	// allowOrigin may be missing.
	allowOrigin string
	// silentAfter is the value of SilentAfterVariable.
	silentAfter time.Duration
	// indexedNames is the result of ParseNameSearch.
	indexedNames bool
	// cleanup is the result of ParseCleanupSettings.
	cleanup CleanupSettings
}

// readSettings reads the environment. Its error names each variable that is
// missing or wrong.
func readSettings(getenv func(string) string) (settings, error) {
	s := settings{
		table:       getenv(TableVariable),
		allowOrigin: getenv(function.AllowOriginVariable),
	}
	var errs []error
	if s.table == "" {
		errs = append(errs, errors.New(TableVariable+" is not set"))
	}
	var err error
	s.historyRetention, err = ParseHistoryRetention(getenv(HistoryRetentionVariable))
	errs = append(errs, err)
	s.silentAfter, err = ParseSilentAfter(getenv(SilentAfterVariable))
	errs = append(errs, err)
	s.indexedNames, err = ParseNameSearch(getenv(NameSearchVariable))
	errs = append(errs, err)
	s.cleanup, err = ParseCleanupSettings(getenv)
	return s, errors.Join(append(errs, err)...)
}

// ParseHistoryRetention reads how long the history of an instance is kept: a
// number of days from 0, which means forever, to 36,500.
func ParseHistoryRetention(text string) (time.Duration, error) {
	if text == "" {
		return 0, errors.New(HistoryRetentionVariable + " is not set")
	}
	return parseDays(HistoryRetentionVariable, text, 0)
}

// ParseCleanupSettings reads the settings of the cleanup from variables, as
// getenv returns them: for DELETED_RETENTION_DAYS a number of days from 1 to
// 36,500, or 30 where it is empty; for COMPUTE_DELETE_SILENT_AFTER_DAYS and
// EXECUTION_DELETE_ENDED_AFTER_DAYS one from 0, which is for never, or empty
// for the same.
func ParseCleanupSettings(getenv func(string) string) (CleanupSettings, error) {
	s := CleanupSettings{Retention: defaultDeletedRetention}
	var errs []error
	for _, v := range []struct {
		name    string
		least   int
		setting *time.Duration
	}{
		{DeletedRetentionVariable, 1, &s.Retention},
		{ComputeSilentVariable, 0, &s.ComputeSilent},
		{ExecutionEndedVariable, 0, &s.ExecutionEnded},
	} {
		if text := getenv(v.name); text != "" {
			var err error
			*v.setting, err = parseDays(v.name, text, v.least)
			errs = append(errs, err)
		}
	}
	return s, errors.Join(errs...)
}

// parseDays reads a number of days from least to maxRetentionDays. Its error
// names the variable.
func parseDays(variable, text string, least int) (time.Duration, error) {
	days, err := strconv.Atoi(text)
	if err != nil || days < least || days > maxRetentionDays {
		return 0, fmt.Errorf("%s is %q, not a number of days from %d to %d", variable, text, least, maxRetentionDays)
	}
	return time.Duration(days) * day, nil
}

// ParseSilentAfter reads [Dependencies.SilentAfter]: a number of minutes from
// 1 to those of a year, or 15 where the text is empty.
func ParseSilentAfter(text string) (time.Duration, error) {
	if text == "" {
		return defaultSilentAfter, nil
	}
	minutes, err := strconv.Atoi(text)
	if err != nil || minutes < 1 || minutes > maxSilentMinutes {
		return 0, fmt.Errorf("%s is %q, not a number of minutes from 1 to %d", SilentAfterVariable, text, maxSilentMinutes)
	}
	return time.Duration(minutes) * time.Minute, nil
}

// ParseNameSearch reads whether searches by a part of a name use the name rows
// of the table: Indexed does, and Walk, or an empty text, does not.
func ParseNameSearch(text string) (indexed bool, err error) {
	switch text {
	case "", "Walk":
		return false, nil
	case "Indexed":
		return true, nil
	}
	return false, fmt.Errorf("%s is %q, neither Walk nor Indexed", NameSearchVariable, text)
}
