package dynamolocal

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	// startTimeout is how long the engine may take to start, on a busy machine.
	startTimeout = time.Minute
	// oldestJava is the oldest version that the engine runs on.
	oldestJava = 17
)

// Server is a running engine. What it stores is gone when it stops.
type Server struct {
	// Endpoint is its address, such as http://127.0.0.1:34567.
	Endpoint string

	cmd *exec.Cmd
	// leash is the engine's input: the engine ends with it, and so with this
	// process, even where that is killed and stops nothing itself.
	leash io.Closer
	done  chan struct{} // Closed when the process has ended.
	log   *tail
}

// Start starts an engine for the repository in the folder root. Only this
// machine can reach it. The error is [ErrMissing] where Java or Maven is not
// installed. Ctx bounds the start, not the life of the engine.
func Start(ctx context.Context, root string) (*Server, error) {
	java, err := findJava(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := jars(ctx, java, root)
	if err != nil {
		return nil, err
	}
	s, err := start(ctx, java, dir)
	if err != nil {
		return nil, fmt.Errorf("start DynamoDB Local: %w", err)
	}
	return s, nil
}

// findJava returns the path of java where it is new enough.
func findJava(ctx context.Context) (string, error) {
	java, err := exec.LookPath("java")
	if err != nil {
		return "", fmt.Errorf("java: %w", ErrMissing)
	}
	// It fails where macOS has a stand-in for Java that there is to install.
	out, err := exec.CommandContext(ctx, java, "-version").CombinedOutput()
	var major int
	_, version, _ := strings.Cut(string(out), ` version "`)
	if _, scanErr := fmt.Sscan(strings.Replace(version, ".", " ", 1), &major); err != nil || scanErr != nil || major < oldestJava {
		return "", fmt.Errorf("java %d or later: %w", oldestJava, ErrMissing)
	}
	return java, nil
}

// Stop ends the engine.
func (s *Server) Stop() {
	// Both fail only where it has ended already.
	_ = s.cmd.Process.Kill()
	_ = s.leash.Close()
	<-s.done
}

// start starts the engine and waits until it says at which port it listens.
func start(ctx context.Context, java, dir string) (*Server, error) {
	s := &Server{
		// It lives for minutes: better code would cost more time than it saves.
		cmd: exec.Command(java, "-Xmx1g", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Djava.library.path="+dir,
			"-cp", dir+string(filepath.ListSeparator)+filepath.Join(dir, "*"), "Loopback"),
		done: make(chan struct{}),
		log:  new(tail),
	}
	s.cmd.Stderr = s.log
	var err error
	if s.leash, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	port := make(chan string, 1)
	go func() {
		lines := bufio.NewReader(stdout)
		if line, err := lines.ReadString('\n'); err == nil {
			port <- strings.TrimSpace(line)
		}
		_, _ = io.Copy(s.log, lines)
		_ = s.cmd.Wait()
		close(s.done)
	}()
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	select {
	case p := <-port:
		s.Endpoint = "http://127.0.0.1:" + p
		return s, nil
	case <-s.done:
		return nil, fmt.Errorf("it ended: %s", s.log)
	case <-ctx.Done():
		s.Stop()
		return nil, fmt.Errorf("it does not answer: %w: %s", ctx.Err(), s.log)
	}
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
