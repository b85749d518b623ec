package function

import (
	"io"
	"log/slog"
)

// timestampFormat is RFC 3339 in UTC with milliseconds, which Lambda takes
// for the time of a line.
const timestampFormat = "2006-01-02T15:04:05.000Z"

// NewLogger returns a logger that writes one JSON object per line to w, under
// the names that Powertools and Lambda give: timestamp, level, message,
// service. The attributes are on every line.
func NewLogger(w io.Writer, level slog.Level, attrs ...slog.Attr) *slog.Logger {
	h := slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: rename})
	return slog.New(h.WithAttrs(append([]slog.Attr{slog.String("service", "instances")}, attrs...)))
}

// LambdaLogger returns the logger of a function in Lambda, which the
// environment gives its name and its level.
func LambdaLogger(w io.Writer, getenv func(string) string) *slog.Logger {
	return NewLogger(w, logLevel(getenv("AWS_LAMBDA_LOG_LEVEL")), slog.String("function_name", getenv("AWS_LAMBDA_FUNCTION_NAME")))
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

// rename gives the attributes that slog adds itself their names.
func rename(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch {
	case a.Key == slog.TimeKey && a.Value.Kind() == slog.KindTime:
		return slog.String("timestamp", a.Value.Time().UTC().Format(timestampFormat))
	case a.Key == slog.MessageKey:
		a.Key = "message"
	}
	return a
}
