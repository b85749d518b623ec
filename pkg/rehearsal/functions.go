package rehearsal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"sync"
	"time"

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
	// request, and Request the time from then until its answer.
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
// context kills the process.
func (fs *Functions) Invoke(ctx context.Context, function string, event []byte) ([]byte, error) {
	f, ok := fs.template.Function(function)
	if !ok {
		return nil, fmt.Errorf("there is no function %q", function)
	}
	p := fs.pools[f.Name]
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("all %d processes of %s are busy: %w", cap(p.slots), f.Name, ctx.Err())
	}
	defer func() { <-p.slots }()
	for process := p.take(); process != nil; process = p.take() {
		out, err := process.Invoke(ctx, event)
		if !errors.Is(err, runtimeapi.ErrEnded) {
			p.put(process)
			return out, err
		}
	}
	return fs.invokeCold(ctx, p, event)
}

// invokeCold runs a function in a new process.
func (fs *Functions) invokeCold(ctx context.Context, p *pool, event []byte) ([]byte, error) {
	started := time.Now()
	process, err := fs.server.Start(p.function)
	if err != nil {
		return nil, err
	}
	out, err := process.Invoke(ctx, event)
	cold := ColdStart{Function: p.function.Name, Err: err}
	cold.Init = time.Since(started)
	select {
	case <-process.Ready():
		cold.Init, cold.Request = process.InitDuration(), cold.Init-process.InitDuration()
	default:
	}
	p.put(process)
	fs.coldStart(cold)
	return out, err
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

// put returns a process to the pool, unless it has ended.
func (p *pool) put(process *runtimeapi.Process) {
	select {
	case <-process.Ended():
		return
	default:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, process)
}
