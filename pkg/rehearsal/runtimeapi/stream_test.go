package runtimeapi_test

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"instances/pkg/rehearsal/runtimeapi"
)

// streamed is an answer that is streamed with AWS's own client. Its first part is
// there before the second one.
type streamed struct {
	question question
	read     int
}

// Read returns one byte, and then what is asked for.
func (s *streamed) Read(b []byte) (int, error) {
	s.read++
	if s.read == 1 {
		return copy(b, "["), nil
	}
	switch s.question.Text {
	case "fail":
		return 0, errors.New("disk on fire")
	case "crash":
		os.Exit(4)
	case "panic":
		panic("oh")
	case "hang":
		select {}
	case "forever":
		clear(b)
		return len(b), nil
	case "large":
		clear(b)
		if s.read-2 > runtimeapi.MaxStreamBytes/len(b) {
			return copy(b, "]"), io.EOF
		}
		return len(b), nil
	}
	return copy(b, "]"), io.EOF
}

// Close notes which answer was closed last.
func (s *streamed) Close() error {
	return os.Setenv("CLOSED", s.question.Text)
}

// stream returns a stream whose first part has been read.
func stream(t *testing.T, ctx context.Context, p *runtimeapi.Process, text string) io.ReadCloser { //nolint:revive // As the methods of testing, t comes first.
	t.Helper()
	s, err := p.Stream(ctx, []byte(`{"Do":"stream","Text":"`+text+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(s, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStream(t *testing.T) {
	t.Parallel()
	p := start(t, function(t))
	for range 3 {
		rest, err := io.ReadAll(stream(t, t.Context(), p, ""))
		if err != nil || string(rest) != "]" {
			t.Errorf("the rest is %q, %v", rest, err)
		}
	}
	// What a function does not stream ends as well.
	s, err := p.Stream(t.Context(), []byte(`{"Text":"hello"}`))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := io.ReadAll(s); err != nil || !strings.Contains(string(out), "hello") {
		t.Errorf("answer %s, %v", out, err)
	}
	// And the reverse, as Lambda buffers streams for those who ask for that.
	if out, err := p.Invoke(t.Context(), []byte(`{"Do":"stream"}`)); err != nil || string(out) != "[]" {
		t.Errorf("answer %s, %v", out, err)
	}
}

// An answer that a function does not end well never looks whole.
func TestBrokenStream(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ text, kind, message string }{
		{"fail", "errorString", "disk on fire"},
		{"large", "Function.ResponseSizeTooLarge", "the answer exceeds 209715200 bytes"},
	} {
		t.Run(test.text, func(t *testing.T) {
			t.Parallel()
			p := start(t, function(t))
			_, err := io.Copy(io.Discard, stream(t, t.Context(), p, test.text))
			wantError(t, err, test.kind, test.message)
			if test.text == "fail" {
				ask(t, p, `{}`)
			}
		})
	}
	for _, text := range []string{"crash", "panic"} {
		s, err := start(t, function(t)).Stream(t.Context(), []byte(`{"Do":"stream","Text":"`+text+`"}`))
		if err == nil {
			_, err = io.Copy(io.Discard, s)
		}
		// The end of the process may be known before the stream.
		if e, ok := errors.AsType[*runtimeapi.FunctionError](err); !ok || e.Type != "Runtime.TruncatedResponse" && e.Type != "Runtime.ExitError" {
			t.Errorf("%s: %v", text, err)
		}
	}
	p := start(t, function(t))
	_, err := p.Stream(t.Context(), []byte(`{"Do":"fail","Text":"no"}`))
	wantError(t, err, "errorString", "no")
	_, err = p.Stream(t.Context(), []byte(`{"Do":"crash"}`))
	wantError(t, err, "Runtime.ExitError", requestID+" Error: Runtime exited with error: exit status 4")
	if _, err := p.Stream(t.Context(), []byte(`{}`)); !errors.Is(err, runtimeapi.ErrEnded) {
		t.Errorf("after the end: %v", err)
	}
}

// A process has the time of its function for a whole stream.
func TestStreamTimeout(t *testing.T) {
	t.Parallel()
	f := function(t)
	f.Timeout = 100 * time.Millisecond
	p := start(t, f)
	s, err := p.Stream(t.Context(), []byte(`{"Do":"stream","Text":"hang"}`))
	if err == nil {
		_, err = io.Copy(io.Discard, s)
	}
	wantError(t, err, "Sandbox.Timedout", requestID+` Error: Task timed out after 0\.10 seconds`)
	<-p.Ended()

	p = start(t, function(t))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	s, err = p.Stream(ctx, []byte(`{"Do":"stream","Text":"hang"}`))
	if err == nil {
		_, err = io.Copy(io.Discard, s)
	}
	wantError(t, err, "Sandbox.Timedout", requestID+` Error: Task timed out after 60\.00 seconds`)
	<-p.Ended()
}

// A process whose reader leaves closes its answer and continues.
func TestReaderLeaves(t *testing.T) {
	t.Parallel()
	p := start(t, function(t))
	process := ask(t, p, `{"Do":"process"}`)
	for _, test := range []struct {
		text  string
		leave func(context.CancelFunc, io.Closer)
	}{
		{"forever", func(_ context.CancelFunc, s io.Closer) { _ = s.Close() }},
		{"forever", func(cancel context.CancelFunc, _ io.Closer) { cancel() }},
		// It learns of it although it sends nothing.
		{"hang", func(cancel context.CancelFunc, _ io.Closer) { cancel() }},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		s := stream(t, ctx, p, test.text)
		test.leave(cancel, s)
		if _, err := io.Copy(io.Discard, s); err == nil {
			t.Error("the stream ends as if it were whole")
		}
		if text := ask(t, p, `{"Do":"closed"}`); text != test.text {
			t.Errorf("the answer to %q was closed last", text)
		}
		if _, err := io.ReadAll(stream(t, t.Context(), p, "")); err != nil {
			t.Error(err)
		}
		cancel()
	}
	if now := ask(t, p, `{"Do":"process"}`); now != process {
		t.Errorf("the process was %s and is %s", process, now)
	}
}
