package relay_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"instances/pkg/cmd/instances/internal/relay"
)

// start serves run in dir until the test ends.
func start(t *testing.T, dir string, run relay.Handler) *relay.Listener {
	t.Helper()
	l, err := relay.Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- relay.Serve(ctx, l, run, slog.New(slog.DiscardHandler)) }()
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l
}

// The other side gets arguments, folder and input, and this one gets output
// and exit code, of any size.
func TestCall(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start(t, dir, func(_ context.Context, r relay.Request, stdin io.Reader, stdout, stderr io.Writer) int {
		n, err := io.Copy(stdout, stdin)
		fmt.Fprintf(stderr, "%q %s %s %t %d %v", r.Args, r.Dir, r.Version, r.Terminal, n, err)
		return 7
	})
	for _, size := range []int{0, 1, 64 << 10, 64<<10 + 1, 1 << 20} {
		t.Run(strconv.Itoa(size), func(t *testing.T) {
			t.Parallel()
			sent := strings.Repeat("input\n", size/6+1)[:size]
			var stdout, stderr bytes.Buffer
			code, err := relay.Call(t.Context(), dir, relay.Request{Args: []string{"keys", "list", "", "\xff&=;\n"}, Dir: "/here", Version: "v", Terminal: true},
				strings.NewReader(sent), &stdout, &stderr)
			if err != nil || code != 7 {
				t.Fatalf("code %d, error %v", code, err)
			}
			if stdout.String() != sent {
				t.Errorf("got %d bytes of output, sent %d", stdout.Len(), size)
			}
			if want := fmt.Sprintf(`["keys" "list" "" "\xff&=;\n"] /here v true %d <nil>`, size); stderr.String() != want {
				t.Errorf("stderr %q, want %q", stderr.String(), want)
			}
		})
	}
}

// Input is left to others where the command does not read it.
func TestCallLeavesInput(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start(t, dir, func(context.Context, relay.Request, io.Reader, io.Writer, io.Writer) int { return 0 })
	stdin := strings.NewReader("for the next command")
	if code, err := relay.Call(t.Context(), dir, relay.Request{}, stdin, io.Discard, io.Discard); code != 0 || err != nil {
		t.Fatalf("code %d, error %v", code, err)
	}
	if stdin.Len() != 20 {
		t.Errorf("%d bytes are left", stdin.Len())
	}
}

// A command sees why its input ends, so that it does not take it for whole.
func TestCallInputFails(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start(t, dir, func(_ context.Context, _ relay.Request, stdin io.Reader, stdout, _ io.Writer) int {
		b, err := io.ReadAll(stdin)
		fmt.Fprintf(stdout, "%s, %v", b, err)
		return 0
	})
	var stdout bytes.Buffer
	stdin := io.MultiReader(strings.NewReader("half"), failing{errors.New("disk is gone")})
	if _, err := relay.Call(t.Context(), dir, relay.Request{}, stdin, &stdout, io.Discard); err != nil {
		t.Fatal(err)
	}
	if stdout.String() != "half, disk is gone" {
		t.Errorf("got %q", stdout.String())
	}
}

// failing fails to read and write.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error)  { return 0, f.err }
func (f failing) Write([]byte) (int, error) { return 0, f.err }

// A command learns that its output did not arrive and can still say so.
func TestCallOutputFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  error
		pipe bool
	}{
		"closed pipe": {fmt.Errorf("write: %w", syscall.EPIPE), true},
		"full disk":   {syscall.ENOSPC, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			start(t, dir, func(_ context.Context, _ relay.Request, _ io.Reader, stdout, stderr io.Writer) int {
				_, err := io.WriteString(stdout, "secret")
				fmt.Fprintf(stderr, "%v %v", err != nil, errors.Is(err, syscall.EPIPE))
				return 1
			})
			var stderr bytes.Buffer
			code, err := relay.Call(t.Context(), dir, relay.Request{}, nil, failing{test.err}, &stderr)
			if code != 1 || err != nil {
				t.Errorf("code %d, error %v", code, err)
			}
			if want := fmt.Sprintf("true %v", test.pipe); stderr.String() != want {
				t.Errorf("stderr %q, want %q", stderr.String(), want)
			}
		})
	}
}

// When the client is interrupted, the command is. It gets no more input, but
// can say how far it got.
func TestCallInterrupted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start(t, dir, func(ctx context.Context, _ relay.Request, stdin io.Reader, stdout, stderr io.Writer) int {
		_, _ = io.WriteString(stdout, "running")
		<-ctx.Done()
		_, readErr := stdin.Read(make([]byte, 1))
		fmt.Fprintf(stderr, "interrupted, input ended: %v", readErr != nil)
		return 7
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stderr bytes.Buffer
	code, err := relay.Call(ctx, dir, relay.Request{}, nil, writerFunc(cancel), &stderr)
	if code != 7 || err != nil || stderr.String() != "interrupted, input ended: true" {
		t.Errorf("code %d, error %v, stderr %q", code, err, stderr.String())
	}
}

// writerFunc is called with each write.
type writerFunc func()

func (f writerFunc) Write(b []byte) (int, error) {
	f()
	return len(b), nil
}

// A command that waits for input when its client is interrupted ends too.
func TestCallInterruptedWhileReading(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start(t, dir, func(_ context.Context, _ relay.Request, stdin io.Reader, _, stderr io.Writer) int {
		_, err := stdin.Read(make([]byte, 1))
		fmt.Fprint(stderr, err)
		return 1
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stdin, w := io.Pipe()
	defer func() { _ = w.Close() }()
	var stderr bytes.Buffer
	code, err := relay.Call(ctx, dir, relay.Request{}, readerFunc(func(b []byte) (int, error) {
		cancel()
		return stdin.Read(b)
	}), io.Discard, &stderr)
	if code != 1 || err != nil || stderr.Len() == 0 {
		t.Errorf("code %d, error %v, stderr %q", code, err, stderr.String())
	}
}

// readerFunc is called for each read.
type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// When the client is gone, the command is interrupted, and its input and
// output fail.
func TestClientGone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ended := make(chan error, 1)
	start(t, dir, func(ctx context.Context, _ relay.Request, stdin io.Reader, stdout, _ io.Writer) int {
		<-ctx.Done()
		_, readErr := stdin.Read(make([]byte, 1))
		_, writeErr := io.WriteString(stdout, "more")
		if readErr == nil || writeErr == nil {
			ended <- errors.New("input or output went on")
		}
		ended <- nil
		return 0
	})
	conn := connect(t, dir)
	if _, err := io.WriteString(conn, head); err != nil {
		t.Fatal(err)
	}
	// The command runs once the answer has begun.
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// When the serving process stops, its command ends and the client hears of it.
func TestServeStopped(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, err := relay.Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	running := make(chan struct{})
	served := make(chan error, 1)
	go func() {
		served <- relay.Serve(ctx, l, func(ctx context.Context, _ relay.Request, _ io.Reader, _, _ io.Writer) int {
			close(running)
			<-ctx.Done()
			return 1
		}, slog.New(slog.DiscardHandler))
	}()
	called := make(chan error, 1)
	go func() {
		code, err := relay.Call(t.Context(), dir, relay.Request{}, nil, io.Discard, io.Discard)
		// Whether the exit code still arrives is a matter of luck.
		if err == nil && code != 0 {
			err = errors.New("failed")
		}
		called <- err
	}()
	<-running
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
	if err := <-called; err == nil || errors.Is(err, relay.ErrNotServed) {
		t.Errorf("error %v", err)
	}
}

// Commands run side by side, and more than run at once are only delayed.
func TestServeMany(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start(t, dir, func(_ context.Context, r relay.Request, _ io.Reader, stdout, _ io.Writer) int {
		_, _ = io.WriteString(stdout, r.Args[0])
		return 0
	})
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			var stdout bytes.Buffer
			code, err := relay.Call(t.Context(), dir, relay.Request{Args: []string{strconv.Itoa(i)}}, nil, &stdout, io.Discard)
			if code != 0 || err != nil || stdout.String() != strconv.Itoa(i) {
				t.Errorf("%d: code %d, error %v, output %q", i, code, err, stdout.String())
			}
		})
	}
	all.Wait()
}

// What is written at the same time comes in whole pieces.
func TestOutputFromManyRoutines(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start(t, dir, func(_ context.Context, _ relay.Request, _ io.Reader, stdout, stderr io.Writer) int {
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { _, _ = io.WriteString(stdout, "one line\n") })
			all.Go(func() { _, _ = io.WriteString(stderr, "another\n") })
		}
		all.Wait()
		return 0
	})
	var stdout, stderr bytes.Buffer
	if _, err := relay.Call(t.Context(), dir, relay.Request{}, nil, &stdout, &stderr); err != nil {
		t.Fatal(err)
	}
	if stdout.String() != strings.Repeat("one line\n", 20) || stderr.String() != strings.Repeat("another\n", 20) {
		t.Errorf("stdout %q, stderr %q", stdout.String(), stderr.String())
	}
}

func TestNotServed(t *testing.T) {
	t.Parallel()
	call := func(dir string) error {
		_, err := relay.Call(t.Context(), dir, relay.Request{}, nil, io.Discard, io.Discard)
		return err
	}
	dir := t.TempDir()
	if err := call(dir); !errors.Is(err, relay.ErrNotServed) {
		t.Errorf("empty folder: %v", err)
	}
	if err := call(filepath.Join(dir, "absent")); !errors.Is(err, relay.ErrNotServed) {
		t.Errorf("absent folder: %v", err)
	}
	if err := call(filepath.Join(dir, strings.Repeat("long", 40))); !errors.Is(err, relay.ErrNotServed) {
		t.Errorf("absent folder with a long path: %v", err)
	}
	leaveStale(t, dir)
	if err := call(dir); !errors.Is(err, relay.ErrNotServed) {
		t.Errorf("stale socket: %v", err)
	}
}

// leaveStale leaves a socket as a killed process does.
func leaveStale(t *testing.T, dir string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: filepath.Join(dir, "serve.sock")})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// The socket is for its user alone, replaces a stale one, and is gone after.
func TestListen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	leaveStale(t, dir)
	l, err := relay.Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "serve.sock"))
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode(); mode != fs.ModeSocket|0o600 {
		t.Errorf("mode %v", mode)
	}
	if names := list(t, dir); !slices.Equal(names, []string{"serve.sock"}) {
		t.Errorf("folder has %q", names)
	}
	for range 2 {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
	if names := list(t, dir); len(names) != 0 {
		t.Errorf("folder has %q", names)
	}
}

func list(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// A file of the user's that has the name is not removed.
func TestListenFileInTheWay(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "serve.sock")
	if err := os.WriteFile(path, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := relay.Listen(dir); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v", err)
	}
	if b, err := os.ReadFile(path); string(b) != "mine" {
		t.Errorf("file holds %q, %v", b, err)
	}
}

// A path that is too long for a socket works where the system has a way.
func TestLongPath(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), strings.Repeat("a-long-name-", 10), strings.Repeat("another-name-", 10))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "linux" {
		if _, err := relay.Listen(dir); err == nil || !strings.Contains(err.Error(), "too long") {
			t.Errorf("error %v", err)
		}
		return
	}
	l := start(t, dir, func(context.Context, relay.Request, io.Reader, io.Writer, io.Writer) int { return 3 })
	code, err := relay.Call(t.Context(), dir, relay.Request{}, nil, io.Discard, io.Discard)
	if code != 3 || err != nil {
		t.Errorf("code %d, error %v", code, err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if names := list(t, dir); len(names) != 0 {
		t.Errorf("folder has %q", names)
	}
}

// head is the beginning of a request, up to the body.
const head = "POST /2/commands?arg=version HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"

// connect connects to the socket until the test ends.
func connect(t *testing.T, dir string) net.Conn {
	t.Helper()
	conn, err := net.Dial("unix", filepath.Join(dir, "serve.sock"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// The serving process outlives clients that talk nonsense, and cuts off one
// that answers what it was not asked.
func TestServeStrangers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start(t, dir, func(ctx context.Context, _ relay.Request, _ io.Reader, stdout, _ io.Writer) int {
		_, _ = io.WriteString(stdout, "x")
		<-ctx.Done()
		return 0
	})
	chunk := func(s string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(s), s) }
	answer := func(m any) string {
		var b bytes.Buffer
		for encoder := gob.NewEncoder(&b); b.Len() < 200; {
			if err := encoder.Encode(m); err != nil {
				t.Fatal(err)
			}
		}
		return head + chunk(b.String())
	}
	wrote := answer(struct{ Wrote bool }{true})
	for name, sent := range map[string]string{
		"nothing":           "",
		"noise":             "\x00\x01\x02\r\n\r\n",
		"another path":      "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"another method":    "GET /2/commands HTTP/1.1\r\nHost: x\r\n\r\n",
		"broken query":      strings.Replace(head, "?arg=", "?arg=%zz", 1),
		"half a head":       head[:len(head)-2],
		"broken chunk":      head + "zz\r\n",
		"no gob":            head + chunk("{]"),
		"unasked input":     answer(struct{ Read, EOF bool }{true, true}),
		"output never sent": wrote,
	} {
		conn := connect(t, dir)
		if _, err := io.WriteString(conn, sent); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := conn.(*net.UnixConn).CloseWrite(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		_, _ = io.Copy(io.Discard, conn)
	}
	conn := connect(t, dir)
	if _, err := io.WriteString(conn, wrote); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, conn); err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Error(err)
	}
}

// A connection on which no request arrives in time is closed.
func TestServeClosesSilent(t *testing.T) {
	t.Parallel()
	for name, sent := range map[string]string{"nothing": "", "half a head": head[:len(head)-2]} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
				ended := make(chan error, 1)
				go func() { ended <- relay.Serve(t.Context(), l, nil, slog.New(slog.DiscardHandler)) }()
				server, conn := net.Pipe()
				start := time.Now()
				l.conns <- server
				if _, err := io.WriteString(conn, sent); err != nil {
					t.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, conn)
				if waited := time.Since(start); waited != 5*time.Second {
					t.Errorf("closed after %v", waited)
				}
				close(l.closed)
				if err := <-ended; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// pipes is a listener in memory.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{} }

// A client that is interrupted while its command waits for others does not
// wait any longer, and its command does not run.
func TestCallInterruptedWhileWaiting(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const most = 16
	running, end := make(chan string, most+1), make(chan struct{})
	start(t, dir, func(_ context.Context, r relay.Request, _ io.Reader, _, _ io.Writer) int {
		running <- r.Args[0]
		<-end
		return 0
	})
	call := func(ctx context.Context, name string) error {
		_, err := relay.Call(ctx, dir, relay.Request{Args: []string{name}}, nil, io.Discard, io.Discard)
		return err
	}
	var all sync.WaitGroup
	for range most {
		all.Go(func() {
			if err := call(t.Context(), "first"); err != nil {
				t.Error(err)
			}
		})
	}
	for range most {
		<-running
	}
	ctx, cancel := context.WithCancel(t.Context())
	waiting := make(chan error, 1)
	go func() { waiting <- call(ctx, "last") }()
	cancel()
	if err := <-waiting; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	close(end)
	all.Wait()
	if len(running) > 0 {
		t.Errorf("%s ran", <-running)
	}
}

// A client that is interrupted does not wait for a server that does not answer.
func TestCallInterruptedUnanswered(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l, err := relay.Listen(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	called := make(chan error, 1)
	go func() {
		_, err := relay.Call(ctx, dir, relay.Request{}, nil, io.Discard, io.Discard)
		called <- err
	}()
	if _, err := l.Accept(); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-called; !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// A client of another version is told so in words, and one whose server goes
// away before it answers does not wait for it.
func TestCallAnotherServer(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"another version":   {http.NotFound, "another version of this command: restart that process"},
		"connection closed": {hangUp, "lost the process"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			l, err := relay.Listen(dir)
			if err != nil {
				t.Fatal(err)
			}
			other := &http.Server{Handler: test.handler, ReadHeaderTimeout: time.Minute}
			go func() { _ = other.Serve(l) }()
			defer func() { _ = other.Close() }()
			_, err = relay.Call(t.Context(), dir, relay.Request{}, nil, io.Discard, io.Discard)
			if err == nil || errors.Is(err, relay.ErrNotServed) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func hangUp(w http.ResponseWriter, _ *http.Request) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = conn.Close()
	}
}
