package cli

import (
	"io"
	"log/slog"
	"os"

	"instances/pkg/app/function"
)

// newLogger returns a logger that writes to w: text on a terminal, else one
// JSON object per line. A quiet one writes warnings and errors only.
func newLogger(w io.Writer, quiet bool) *slog.Logger {
	level := slog.LevelInfo
	if quiet {
		level = slog.LevelWarn
	}
	if isTerminal(w) {
		return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
	}
	return function.NewLogger(w, level)
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
