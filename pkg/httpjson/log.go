package httpjson

import (
	"context"
	"log/slog"
)

// maxClientID is how much of a client's own request id is logged, in bytes.
const maxClientID = 128

// ClientID returns the X-Request-Id that a client sent as it may be logged: its
// first 128 bytes, with a question mark for each that is not printable ASCII.
func ClientID(sent string) string {
	id := []byte(sent[:min(len(sent), maxClientID)])
	for i, b := range id {
		if b < ' ' || b > '~' {
			id[i] = '?'
		}
	}
	return string(id)
}

type loggerKey struct{}

type requestLogger struct {
	logger *slog.Logger
	attrs  []slog.Attr
}

// WithLogger returns a context for [Logger]. The attributes identify the
// request; they are formatted only if something is logged.
func WithLogger(ctx context.Context, l *slog.Logger, attrs ...slog.Attr) context.Context {
	return context.WithValue(ctx, loggerKey{}, requestLogger{l, attrs})
}

// Logger returns the logger of the request that ctx belongs to. Its lines
// identify the request. Without a request it is the default logger, so that
// nothing is lost.
func Logger(ctx context.Context) *slog.Logger {
	l, ok := ctx.Value(loggerKey{}).(requestLogger)
	if !ok {
		return slog.Default()
	}
	return slog.New(l.logger.Handler().WithAttrs(l.attrs))
}
