package runtimeapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"instances/pkg/gateway"
)

// Server passes events to processes and receives their answers. It is safe for
// concurrent use.
type Server struct {
	address string
	web     *http.Server
	leash   *leash
	served  chan struct{} // Closed when it stops serving.

	mu        sync.Mutex
	last      int
	processes map[string]*Process // by name
	closed    bool
}

// Listen returns a server that listens on a free port of this machine.
func Listen(ctx context.Context) (*Server, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	s := &Server{address: l.Addr().String(), processes: map[string]*Process{}, served: make(chan struct{})}
	if s.leash, err = newLeash(); err != nil {
		_ = l.Close()
		return nil, err
	}
	// A process may wait for its next event indefinitely, so only the header of
	// its request has a time limit.
	s.web = &http.Server{Handler: s.routes(), ReadHeaderTimeout: time.Minute}
	go func() {
		defer close(s.served)
		// Serve returns when the server is closed.
		_ = s.web.Serve(l)
	}()
	return s, nil
}

// Close kills all processes and ends the server.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	processes := make([]*Process, 0, len(s.processes))
	for _, p := range s.processes {
		processes = append(processes, p)
	}
	s.mu.Unlock()
	for _, p := range processes {
		p.Stop()
	}
	_ = s.web.Close()
	<-s.served
	s.leash.close()
}

func (s *Server) leave(p *Process) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.processes, p.name)
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(route string, do func(*Process, http.ResponseWriter, *http.Request)) {
		method, path, _ := strings.Cut(route, " ")
		mux.HandleFunc(method+" /{process}/2018-06-01/runtime"+path, func(w http.ResponseWriter, r *http.Request) {
			s.mu.Lock()
			p, ok := s.processes[r.PathValue("process")]
			s.mu.Unlock()
			if !ok {
				http.Error(w, "no such process", http.StatusNotFound)
				return
			}
			do(p, w, r)
		})
	}
	handle("GET /invocation/next", (*Process).serveNext)
	handle("POST /invocation/{id}/response", (*Process).serveResponse)
	handle("POST /invocation/{id}/error", (*Process).serveError)
	handle("POST /init/error", (*Process).serveInitError)
	return mux
}

func (p *Process) serveNext(w http.ResponseWriter, r *http.Request) {
	p.isReady()
	select {
	case i := <-p.next:
		deadline := time.Now().Add(p.function.Timeout)
		if i.until.Before(deadline) {
			deadline = i.until
		}
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", i.id)
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:"+p.function.Environment["AWS_REGION"]+":123456789012:function:"+p.function.Name)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Trace-Id", i.trace)
		_, _ = w.Write(i.event)
	case <-r.Context().Done():
	}
}

func (p *Process) serveResponse(w http.ResponseWriter, r *http.Request) {
	if i := p.takeStream(r.PathValue("id")); i != nil {
		i.receive(w, r)
		return
	}
	out, err := io.ReadAll(http.MaxBytesReader(w, r.Body, gateway.MaxEventBytes))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		err = responseTooLarge(tooLarge)
	}
	p.finish(w, r, result{out, err})
}

func (p *Process) serveError(w http.ResponseWriter, r *http.Request) {
	p.finish(w, r, result{err: reported(r)})
}

// serveInitError records why a process cannot start, and kills it.
func (p *Process) serveInitError(w http.ResponseWriter, r *http.Request) {
	p.failed(reported(r))
	w.WriteHeader(http.StatusAccepted)
}

// reported returns the error that a function reports.
func reported(r *http.Request) error {
	e := &FunctionError{}
	if err := json.NewDecoder(io.LimitReader(r.Body, gateway.MaxEventBytes)).Decode(e); err != nil {
		return &FunctionError{"Runtime.Unknown", "the function reported an error that is not understood"}
	}
	return e
}

// finish ends the invocation that the request names. It refuses one that is not
// in progress.
func (p *Process) finish(w http.ResponseWriter, r *http.Request, result result) {
	i := p.take(r.PathValue("id"))
	if i == nil {
		http.Error(w, "no such invocation", http.StatusBadRequest)
		return
	}
	i.done <- result
	w.WriteHeader(http.StatusAccepted)
}
