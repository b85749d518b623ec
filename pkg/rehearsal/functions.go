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

// DefaultLimit is how many processes a function has at most, where nothing
// else is said. Requests beyond it wait, which those of Lambda do not.
const DefaultLimit = 10

// Options of a rehearsal.
type Options struct {
	Template *template.Template
	// Folder has the binaries, by the names of the functions; see [Build].
	Folder string
	// Environment is what all functions get beside that of the template: the
	// region, the credentials, and where DynamoDB is.
	Environment map[string]string
	// Limit is how many processes a function has at most; 0 means
	// [DefaultLimit].
	Limit int
	// Output gets what the functions log; nil discards it. Several processes
	// write to it at once.
	Output io.Writer
	// ColdStart learns of each process after its first request. It may be nil
	// and is called concurrently.
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

// Functions are the functions of a template. They implement the Invoker of
// the gateway, and are safe for concurrent use.
type Functions struct {
	template  *template.Template
	server    *runtimeapi.Server
	pools     map[string]*pool // by name
	coldStart func(ColdStart)
}

// New returns functions without any process. Close ends them.
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

// Close ends all processes. Requests that run fail.
func (fs *Functions) Close() { fs.server.Close() }

// Invoke runs a function, by its name or its logical id, with an event, and
// returns its answer. It has the time that the template gives it, and what
// fails does so in Lambda's words; see [runtimeapi.FunctionError]. A cancelled
// context ends the process.
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

// pool has the processes of one function.
type pool struct {
	function runtimeapi.Function
	// slots has as much room as there may be processes, and an element for
	// each that is at work.
	slots chan struct{}

	mu   sync.Mutex
	idle []*runtimeapi.Process
}

// take returns the process that worked last, or nil.
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

// put gives a process back, unless it has ended.
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
