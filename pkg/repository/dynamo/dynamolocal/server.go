package dynamolocal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

const (
	// startTries is how many ports are tried: another program may take the
	// free port before the engine does.
	startTries = 5
	// startTimeout is how long one start may take, on a busy machine.
	startTimeout = time.Minute
	// pollEvery is how often it is asked whether it is up.
	pollEvery = 50 * time.Millisecond
)

// Server is a running engine. What it stores is gone when it stops.
type Server struct {
	// Endpoint is its address, such as http://127.0.0.1:34567.
	Endpoint string

	cmd   *exec.Cmd
	leash io.Closer
	done  chan struct{} // Closed when the process has ended.
	log   *tail
}

// leashed runs a program that ends with the process that started it, also
// where that is killed or panics and stops nothing itself: the program is
// killed when the other end of the script's input is closed.
const leashed = `exec 3<&0
"$@" </dev/null 3<&- &
program=$!
{ cat <&3; kill -9 $program; } >/dev/null 2>&1 &
exec 3<&-
wait $program`

// Start starts an engine for the repository whose folder is root, and waits
// until it answers. It returns an error that is [ErrMissing] where Java or
// Maven is not installed.
func Start(ctx context.Context, root string) (*Server, error) {
	java, err := exec.LookPath("java")
	if err != nil {
		return nil, fmt.Errorf("java: %w", ErrMissing)
	}
	dir, err := jars(ctx, root)
	if err != nil {
		return nil, err
	}
	return startAny(ctx, java, dir)
}

// startAny tries one port after the other.
func startAny(ctx context.Context, java, dir string) (*Server, error) {
	var failure error
	for range startTries {
		s, err := start(ctx, java, dir)
		if err == nil {
			return s, nil
		}
		failure = errors.Join(failure, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, fmt.Errorf("start DynamoDB Local: %w", failure)
}

// Stop ends the engine.
func (s *Server) Stop() {
	// The only failure is that it is stopped already.
	_ = s.leash.Close()
	<-s.done
}

// start makes one try on a port that was free a moment ago.
func start(ctx context.Context, java, dir string) (*Server, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s := &Server{
		Endpoint: "http://127.0.0.1:" + strconv.Itoa(port),
		cmd: exec.Command("/bin/sh", "-c", leashed, "sh", java, "-Xmx1g", "-Djava.library.path="+dir, "-cp", filepath.Join(dir, "*"),
			"software.amazon.dynamodb.services.local.main.ServerRunner",
			"-inMemory", "-disableTelemetry", "-port", strconv.Itoa(port)),
		done: make(chan struct{}),
		log:  new(tail),
	}
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if s.leash, err = s.cmd.StdinPipe(); err != nil {
		return nil, fmt.Errorf("start java: %w", err)
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start java: %w", err)
	}
	go func() {
		_ = s.cmd.Wait()
		close(s.done)
	}()
	if err := s.wait(ctx); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// wait returns when the engine answers.
func (s *Server) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		select {
		case <-s.done:
			return fmt.Errorf("it ended: %s", s.log)
		case <-ctx.Done():
			return fmt.Errorf("it does not answer: %w: %s", ctx.Err(), s.log)
		case <-tick.C:
			if s.answers(ctx) {
				return nil
			}
		}
	}
}

// answers reports whether the engine is at the port. It says what a request
// without credentials lacks, and states the id of the request, which another
// program would not.
func (s *Server) answers(ctx context.Context) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.Endpoint, http.NoBody)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.Header.Get("x-amzn-RequestId") != ""
}

// freePort returns a port of this machine that nobody listens on.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

// tail keeps the end of what is written to it. It is safe for concurrent use.
type tail struct {
	mu  sync.Mutex
	end []byte
}

// Write never fails.
func (t *tail) Write(b []byte) (int, error) {
	const keep = 4 << 10
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = append(t.end, b...)
	if len(t.end) > keep {
		t.end = t.end[len(t.end)-keep:]
	}
	return len(b), nil
}

// String returns what was kept.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.end)
}
