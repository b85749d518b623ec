package runtimeapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Function says how to run a function.
type Function struct {
	Name string
	// Binary is the path of the executable.
	Binary string
	// Timeout is the maximum duration of an invocation, from when the process
	// has the event.
	Timeout  time.Duration
	MemoryMB int
	// Environment is added to the variables that Lambda sets. AWS_REGION and
	// the credentials must be in it. The process inherits nothing.
	Environment map[string]string
	// Output receives what the process logs; nil discards it.
	Output io.Writer
}

// startTimeout is how long Lambda waits for a process to start before the time
// counts as that of the invocation.
const startTimeout = 10 * time.Second

// Process is a running process of a function. Its methods are safe for concurrent
// use, except that only one invocation may be in progress.
type Process struct {
	function Function
	server   *Server
	name     string
	cmd      *exec.Cmd
	started  time.Time
	next     chan *invocation

	ready     chan struct{} // Closed when it first asks for an event.
	readyOnce sync.Once
	initTime  time.Duration // Set before ready is closed.

	ended chan struct{} // Closed when the process has ended.
	exit  error         // Why it ended; set before ended is closed.

	mu      sync.Mutex
	current *invocation
	initErr error
}

type invocation struct {
	id    string
	trace string
	event []byte
	// until is when the caller stops waiting.
	until time.Time
	// done is buffered, so that sending the result never blocks.
	done chan result
	// stream takes an answer that is streamed, over is closed at its end, and left
	// when nobody wants the rest. Of a buffered answer they are nil.
	stream     *io.PipeWriter
	over, left chan struct{}
}

type result struct {
	out []byte
	err error
}

// Start starts a process. It does not wait until the process is ready.
func (s *Server) Start(f Function) (*Process, error) {
	p, err := s.start(f)
	if err != nil {
		return nil, fmt.Errorf("process of %s: %w", f.Name, err)
	}
	pid := p.cmd.Process.Pid
	s.leash.tell("start", pid)
	go func() {
		p.exit = p.cmd.Wait()
		s.leash.tell("end", pid)
		s.leave(p)
		close(p.ended)
	}()
	return p, nil
}

// start starts a process under a unique name and registers it before its first
// request can be served, so that [Server.Close] finds it.
func (s *Server) start(f Function) (*Process, error) {
	binary, err := filepath.Abs(f.Binary)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errors.New("the server is closed")
	}
	s.last++
	p := &Process{
		function: f, server: s, name: f.Name + "." + strconv.Itoa(s.last),
		cmd: exec.Command(binary), started: time.Now(), next: make(chan *invocation),
		ready: make(chan struct{}), ended: make(chan struct{}),
	}
	p.cmd.Dir = filepath.Dir(binary)
	p.cmd.Env = p.environment()
	p.cmd.Stdout, p.cmd.Stderr = f.Output, f.Output
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	s.processes[p.name] = p
	return p, nil
}

// Invoke passes the event to the process when it is ready for one, and returns its
// answer. The error is a [*FunctionError] if the function failed, [ErrEnded] if
// the process had ended before, or that of the context. A process that does not
// answer in time, or whose context is cancelled, is killed. Only one invocation
// may be in progress.
func (p *Process) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	limit := time.NewTimer(startTimeout + p.function.Timeout)
	defer limit.Stop()
	return p.run(ctx, newInvocation(event), limit)
}

func newInvocation(event []byte) *invocation {
	return &invocation{id: uuid.NewString(), trace: traceHeader(event), event: event, done: make(chan result, 1)}
}

// run passes the event of i to the process and waits for the answer, or for the
// beginning of a stream. The timer has the time for starting and answering.
func (p *Process) run(ctx context.Context, i *invocation, limit *time.Timer) ([]byte, error) {
	var bounded bool
	if i.until, bounded = ctx.Deadline(); !bounded {
		i.until = time.Now().Add(startTimeout + p.function.Timeout)
	}
	p.mu.Lock()
	p.current = i
	p.mu.Unlock()
	defer p.take(i.id)

	select {
	case p.next <- i:
		limit.Reset(p.function.Timeout)
	case <-p.ended:
		return nil, p.endedEarly(i)
	case <-limit.C:
		return nil, p.tooSlow(i)
	case <-ctx.Done():
		return nil, p.left(ctx, i)
	}
	select {
	case r := <-i.done:
		return r.out, r.err
	case <-p.ended:
		select {
		case r := <-i.done:
			return r.out, r.err
		default:
			return nil, exited(i.id, p.exit)
		}
	case <-limit.C:
		return nil, p.tooSlow(i)
	case <-ctx.Done():
		return nil, p.left(ctx, i)
	}
}

// endedEarly returns the error of a process that ended without taking the event.
func (p *Process) endedEarly(i *invocation) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.initErr != nil {
		return p.initErr
	}
	select {
	case <-p.ready:
		return ErrEnded
	default:
		return exited(i.id, p.exit)
	}
}

func (p *Process) tooSlow(i *invocation) error {
	p.Stop()
	return timedOut(i.id, p.function.Timeout)
}

// left kills the process when nobody waits for it any longer.
func (p *Process) left(ctx context.Context, i *invocation) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return p.tooSlow(i)
	}
	p.Stop()
	return ctx.Err()
}

// Ready returns a channel that is closed when the process has started
// successfully, which is when it first asks for an event.
func (p *Process) Ready() <-chan struct{} { return p.ready }

// InitDuration returns how long the process took to become ready. It is valid
// after Ready is closed.
func (p *Process) InitDuration() time.Duration { return p.initTime }

// PID returns the process ID.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Ended returns a channel that is closed when the process has ended.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Stop kills the process and waits until it has ended.
func (p *Process) Stop() {
	// Kill fails only if the process has ended.
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// isReady records that the process asks for an event.
func (p *Process) isReady() {
	p.readyOnce.Do(func() {
		p.initTime = time.Since(p.started)
		close(p.ready)
	})
}

// failed records the error of a start and kills the process.
func (p *Process) failed(err error) {
	p.mu.Lock()
	p.initErr = err
	p.mu.Unlock()
	_ = p.cmd.Process.Kill()
}

// take ends and returns the current invocation, or nil if it has another ID.
func (p *Process) take(id string) *invocation {
	return p.takeIf(func(i *invocation) bool { return i.id == id })
}

// takeStream is like take, but returns nil for an invocation that does not stream.
func (p *Process) takeStream(id string) *invocation {
	return p.takeIf(func(i *invocation) bool { return i.id == id && i.stream != nil })
}

func (p *Process) takeIf(wanted func(*invocation) bool) *invocation {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := p.current
	if i == nil || !wanted(i) {
		return nil
	}
	p.current = nil
	return i
}
