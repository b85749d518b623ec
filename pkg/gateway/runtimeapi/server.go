// Package runtimeapi is the part of the Lambda Runtime API that a function
// needs: it runs the binaries that get deployed as processes of this machine.
//
// One listener serves all functions. A function's process finds its own
// invocations below its name: AWS_LAMBDA_RUNTIME_API is HOST:PORT/NAME.
package runtimeapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"instances/pkg/gateway"
)

// Server gives events to the processes of functions and returns their
// answers. It is an [http.Handler] for the processes and a [gateway.Invoker]
// for the other side, and safe for concurrent use.
type Server struct {
	mux       *http.ServeMux
	functions map[string]*function

	mu      sync.Mutex
	last    int
	pending map[string]*invocation
}

// longest is what Lambda allows an invocation at most.
const longest = 15 * time.Minute

type function struct {
	name string
	next chan *invocation
	// failed is closed when no process will answer any more; then err says
	// why.
	failed chan struct{}
	once   sync.Once
	err    error
}

type invocation struct {
	id       string
	function *function
	event    []byte
	deadline time.Time
	done     chan result
}

type result struct {
	out []byte
	err error
}

// FunctionError is an error that a function reported of itself.
type FunctionError struct {
	Type    string `json:"errorType"`
	Message string `json:"errorMessage"`
}

func (e *FunctionError) Error() string { return e.Type + ": " + e.Message }

// New returns a server for the functions with these names.
func New(functions ...string) *Server {
	s := &Server{mux: http.NewServeMux(), functions: map[string]*function{}, pending: map[string]*invocation{}}
	for _, name := range functions {
		s.functions[name] = &function{name: name, next: make(chan *invocation), failed: make(chan struct{})}
	}
	const base = "/{function}/2018-06-01/runtime/"
	s.mux.HandleFunc("GET "+base+"invocation/next", s.serveNext)
	s.mux.HandleFunc("POST "+base+"invocation/{id}/response", s.serveResponse)
	s.mux.HandleFunc("POST "+base+"invocation/{id}/error", s.serveError)
	s.mux.HandleFunc("POST "+base+"init/error", s.serveInitError)
	return s
}

// ServeHTTP serves the processes.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Invoke gives the event to the next free process of the function. Its error
// is a [*FunctionError] where the function reported one, the reason given to
// [Server.Fail], or the context's.
func (s *Server) Invoke(ctx context.Context, name string, event []byte) ([]byte, error) {
	f, ok := s.functions[name]
	if !ok {
		return nil, fmt.Errorf("there is no function %q", name)
	}
	i := s.enter(ctx, f, event)
	defer s.leave(i)
	select {
	case f.next <- i:
	case <-f.failed:
		return nil, f.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case r := <-i.done:
		return r.out, r.err
	case <-f.failed:
		return nil, f.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Fail says that no process will answer for the function any more. All its
// invocations end with the error, those to come too. The first error counts.
func (s *Server) Fail(name string, err error) {
	if f, ok := s.functions[name]; ok {
		f.once.Do(func() {
			f.err = err
			close(f.failed)
		})
	}
}

func (s *Server) enter(ctx context.Context, f *function, event []byte) *invocation {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	// There is room for the one result, so that its sender never waits.
	i := &invocation{id: fmt.Sprintf("00000000-0000-4000-8000-%012d", s.last), function: f, event: event, done: make(chan result, 1)}
	var ok bool
	if i.deadline, ok = ctx.Deadline(); !ok {
		i.deadline = time.Now().Add(longest)
	}
	s.pending[i.id] = i
	return i
}

func (s *Server) leave(i *invocation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.pending, i.id)
}

func (s *Server) serveNext(w http.ResponseWriter, r *http.Request) {
	f, ok := s.functions[r.PathValue("function")]
	if !ok {
		http.Error(w, "no such function", http.StatusNotFound)
		return
	}
	select {
	case i := <-f.next:
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", i.id)
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:local:123456789012:function:"+f.name)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(i.deadline.UnixMilli(), 10))
		_, _ = w.Write(i.event)
	case <-r.Context().Done():
	}
}

func (s *Server) serveResponse(w http.ResponseWriter, r *http.Request) {
	out, err := io.ReadAll(http.MaxBytesReader(w, r.Body, gateway.MaxEventBytes))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		err = &FunctionError{"Function.ResponseSizeTooLarge", fmt.Sprintf("the answer exceeds %d bytes", tooLarge.Limit)}
	}
	s.finish(w, r, result{out, err})
}

func (s *Server) serveError(w http.ResponseWriter, r *http.Request) {
	s.finish(w, r, result{err: reported(r)})
}

func (s *Server) serveInitError(w http.ResponseWriter, r *http.Request) {
	s.Fail(r.PathValue("function"), reported(r))
	w.WriteHeader(http.StatusAccepted)
}

// reported reads the error that a function reports.
func reported(r *http.Request) error {
	e := &FunctionError{}
	if err := json.NewDecoder(io.LimitReader(r.Body, gateway.MaxEventBytes)).Decode(e); err != nil {
		return &FunctionError{"Runtime.Unknown", "the function reported an error that is not understood"}
	}
	return e
}

// finish ends the invocation that the request is about. One that nobody waits
// for any more, or that has its result, is refused.
func (s *Server) finish(w http.ResponseWriter, r *http.Request, result result) {
	s.mu.Lock()
	i, ok := s.pending[r.PathValue("id")]
	ok = ok && i.function.name == r.PathValue("function")
	if ok {
		delete(s.pending, i.id)
	}
	s.mu.Unlock()
	if !ok {
		http.Error(w, "no such invocation", http.StatusBadRequest)
		return
	}
	i.done <- result
	w.WriteHeader(http.StatusAccepted)
}
