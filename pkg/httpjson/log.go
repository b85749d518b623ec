package httpjson

import (
	"context"
	"log/slog"
)

type loggerKey struct{}

// WithLogger returns a context for [LogError].
func WithLogger(ctx context.Context, l *slog.Logger) context.Context {
	return context.WithValue(ctx, loggerKey{}, l)
}

// LogError logs a fault that a client is not told about. Without a logger in
// ctx it does nothing.
func LogError(ctx context.Context, err error) {
	if l, ok := ctx.Value(loggerKey{}).(*slog.Logger); ok {
		l.ErrorContext(ctx, "request failed", slog.Any("error", err))
	}
}
