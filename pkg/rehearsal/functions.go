package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"instances/pkg/gateway"
	"instances/pkg/rehearsal/runtimeapi"
	"instances/pkg/template"
)

// DefaultLimit is the default maximum number of processes of a function. Requests
// beyond it wait, unlike on Lambda.
const DefaultLimit = 10

// Options configure a rehearsal.
type Options struct {
	Template *template.Template
	// Folder contains the binaries, named like the functions; see [Build].
	Folder string
	// Environment is added to what the template gives each function: the
	// region, the credentials, and the address of DynamoDB.
	Environment map[string]string
	// Limit is the maximum number of processes of a function; 0 means
	// [DefaultLimit].
	Limit int
	// Output receives what the functions log; nil discards it. Several processes
	// write to it concurrently.
	Output io.Writer
	// ColdStart is called for each process after its first request. It may be
	// nil and is called concurrently.
	ColdStart func(ColdStart)
}

// ColdStart is the start of a process and its first request.
type ColdStart struct {
	// Function is the name of the function.
	Function string
	// Init is the time from the start of the process until it asked for the
	// request, and Request the time from then until its answer, or the beginning
	// of a stream.
	Init, Request time.Duration
	// Err is why the process failed, or nil.
	Err error
}

// Functions are the functions of a template. They implement [gateway.Invoker] and
// are safe for concurrent use.
type Functions struct {
	template  *template.Template
	server    *runtimeapi.Server
	pools     map[string]*pool // by name
	coldStart func(ColdStart)
}

// New returns functions without any process. The caller must call Close.
func New(ctx context.Context, o Options) (*Functions, error) {
	if o.Limit == 0 {
		o.Limit = DefaultLimit
	}
	if o.ColdStart == nil {
		o.ColdStart = func(ColdStart) {}
	}
	server, err := runtimeapi.Listen(ctx)
	if err != nil {
		return nil, err
	}
	fs := &Functions{template: o.Template, server: server, pools: map[string]*pool{}, coldStart: o.ColdStart}
	for _, f := range o.Template.Functions {
		environment := maps.Clone(f.Environment)
		maps.Copy(environment, o.Environment)
		fs.pools[f.Name] = &pool{
			function: runtimeapi.Function{
				Name: f.Name, Binary: filepath.Join(o.Folder, f.Name), Timeout: f.Timeout, MemoryMB: f.MemoryMB,
				Environment: environment, Output: o.Output,
			},
			slots: make(chan struct{}, o.Limit),
		}
	}
	return fs, nil
}

// Close kills all processes. Requests in progress fail.
func (fs *Functions) Close() { fs.server.Close() }

// Invoke runs a function, given by name or logical ID, with an event, and returns
// its answer. The function has the time that the template gives it. Errors are
// worded as Lambda words them; see [runtimeapi.FunctionError]. Cancelling the
// context kills the process. An answer that the function streams is returned
// whole, as [gateway.Buffer] does it.
func (fs *Functions) Invoke(ctx context.Context, function string, event []byte) ([]byte, error) {
	if f, _ := fs.template.Function(function); slices.ContainsFunc(f.Routes, func(r template.Route) bool { return r.Stream != 0 }) {
		stream, err := fs.Stream(ctx, function, event)
		if err != nil {
			return nil, err
		}
		defer func() { _ = stream.Close() }()
		return gateway.Buffer(stream)
	}
	var out []byte
	free, err := fs.run(ctx, function, func(p *runtimeapi.Process) (err error) {
		out, err = p.Invoke(ctx, event)
		return err
	})
	free()
	return out, err
}

// Stream is like Invoke, but returns the answer as soon as the function begins to
// stream it; see [runtimeapi.Process.Stream]. The process is busy until the answer
// is closed.
func (fs *Functions) Stream(ctx context.Context, function string, event []byte) (io.ReadCloser, error) {
	var out io.ReadCloser
	free, err := fs.run(ctx, function, func(p *runtimeapi.Process) (err error) {
		out, err = p.Stream(ctx, event)
		return err
	})
	if err != nil {
		free()
		return nil, err
	}
	return &answer{out, sync.OnceFunc(free)}, nil
}

// answer is a streamed answer.
type answer struct {
	io.ReadCloser
	free func()
}

// Close lets another request have the process.
func (a *answer) Close() error {
	defer a.free()
	return a.ReadCloser.Close()
}

// run has a process of a function do something. The caller must call free when
// the process is no longer busy.
func (fs *Functions) run(ctx context.Context, function string, do func(*runtimeapi.Process) error) (free func(), err error) {
	f, ok := fs.template.Function(function)
	if !ok {
		return func() {}, fmt.Errorf("there is no function %q", function)
	}
	p := fs.pools[f.Name]
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return func() {}, fmt.Errorf("all %d processes of %s are busy: %w", cap(p.slots), f.Name, ctx.Err())
	}
	for process := p.take(); process != nil; process = p.take() {
		if err := do(process); !errors.Is(err, runtimeapi.ErrEnded) {
			return func() { p.put(process) }, err
		}
	}
	return fs.runCold(p, do)
}

// runCold has a new process do something.
func (fs *Functions) runCold(p *pool, do func(*runtimeapi.Process) error) (free func(), err error) {
	started := time.Now()
	process, err := fs.server.Start(p.function)
	if err != nil {
		return func() { <-p.slots }, err
	}
	err = do(process)
	cold := ColdStart{Function: p.function.Name, Err: err}
	cold.Init = time.Since(started)
	select {
	case <-process.Ready():
		cold.Init, cold.Request = process.InitDuration(), cold.Init-process.InitDuration()
	default:
	}
	fs.coldStart(cold)
	return func() { p.put(process) }, err
}

// pool holds the processes of one function.
type pool struct {
	function runtimeapi.Function
	// slots has an element for each process that is busy. Its capacity is the
	// maximum number of processes.
	slots chan struct{}

	mu   sync.Mutex
	idle []*runtimeapi.Process
}

// take returns the idle process that was used last, or nil.
func (p *pool) take() *runtimeapi.Process {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.idle) - 1
	if last < 0 {
		return nil
	}
	process := p.idle[last]
	p.idle = p.idle[:last]
	return process
}

// put returns a process to the pool, unless it has ended, and makes room for
// another one that is busy.
func (p *pool) put(process *runtimeapi.Process) {
	defer func() { <-p.slots }()
	select {
	case <-process.Ended():
		return
	default:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, process)
}
