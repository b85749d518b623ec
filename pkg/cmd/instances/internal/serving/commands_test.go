package serving

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"

	"instances/pkg/cmd/instances/internal/relay"
	"instances/pkg/cmd/instances/internal/store"
)

// runVersion is a command that prints something.
func runVersion(_ context.Context, _ *store.Registry, _ relay.Request, _ io.Reader, stdout, _ io.Writer) int {
	_, _ = io.WriteString(stdout, "version")
	return 0
}

// A command of another build is refused; one of an unknown build is not.
func TestRelayedVersion(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		ours, theirs string
		code         int
	}{
		{"a", "a", 0}, {"a", "b", 1}, {"a", "", 0}, {"", "b", 0}, {"", "", 0},
	} {
		s := Server{Version: test.ours, CommandLine: runVersion}
		var stdout, stderr bytes.Buffer
		code := s.relayed(nil)(t.Context(), relay.Request{Version: test.theirs, Args: []string{"version"}}, nil, &stdout, &stderr)
		if code != test.code || (stdout.Len() > 0) != (code == 0) || strings.Contains(stderr.String(), "restart that process") == (code == 0) {
			t.Errorf("%+v: code %d, stdout %q, stderr %q", test, code, stdout.String(), stderr.String())
		}
	}
}

// A panic of a command is not the end of the server.
func TestRelayedPanics(t *testing.T) {
	t.Parallel()
	var stderr, log bytes.Buffer
	s := Server{Logger: slog.New(slog.NewTextHandler(&log, nil)), CommandLine: runVersion}
	code := s.relayed(nil)(t.Context(), relay.Request{Args: []string{"version"}}, nil, panicking{}, &stderr)
	if code != 1 || !strings.Contains(stderr.String(), "its log says more") || !strings.Contains(log.String(), "boom") {
		t.Errorf("code %d, stderr %q, log %q", code, stderr.String(), log.String())
	}
}

type panicking struct{}

func (panicking) Write([]byte) (int, error) { panic("boom") }
