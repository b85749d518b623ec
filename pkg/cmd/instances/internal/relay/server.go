package relay

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// maxCommands is how many commands run at the same time; more wait.
	maxCommands = 16
	// requestTimeout is how long a client may take to send its request, and to
	// hang up when it has the exit code.
	requestTimeout = 5 * time.Second
	// maxRequest is the size of the largest request, in bytes: it has the
	// arguments, percent-encoded.
	maxRequest = 8 << 20
)

// Handler runs a command and returns its exit code, 0 to 255. A write returns
// when the client has written the output itself, or with an error if it could
// not. The context is done when the client goes away or is interrupted; in the
// second case the client still takes output. A handler must not panic.
type Handler func(ctx context.Context, r Request, stdin io.Reader, stdout, stderr io.Writer) int

// Serve runs the commands of the clients of l until l is closed, then waits
// for those that still run and returns nil. When ctx is done, their contexts
// are. What is wrong with a connection is logged.
func Serve(ctx context.Context, l net.Listener, run Handler, logger *slog.Logger) error {
	free := make(chan struct{}, maxCommands)
	routes := http.NewServeMux()
	routes.HandleFunc("POST "+protocol, func(w http.ResponseWriter, r *http.Request) {
		serve(w, r, run, free)
	})
	server := &http.Server{
		Handler:           routes,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: requestTimeout,
		MaxHeaderBytes:    maxRequest,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
	server.SetKeepAlivesEnabled(false)
	err := server.Serve(l)
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	// Once all places are taken, nothing runs, nor will.
	for range maxCommands {
		free <- struct{}{}
	}
	return errors.Join(err, server.Close())
}

// serve runs the command of one client when there is a free place.
func serve(w http.ResponseWriter, r *http.Request, run Handler, free chan struct{}) {
	stream := http.NewResponseController(w)
	request, err := parse(r.URL.RawQuery)
	if err == nil {
		err = stream.EnableFullDuplex()
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	ctx, leave := context.WithCancel(r.Context())
	defer leave()
	command, interrupt := context.WithCancel(ctx)
	defer interrupt()
	c := newConnection(ctx, command, w, stream)
	// A client that reads nothing must not hold up the end.
	cutOff := context.AfterFunc(r.Context(), func() {
		_ = stream.SetReadDeadline(time.Unix(0, 0))
		_ = stream.SetWriteDeadline(time.Unix(0, 0))
	})
	defer cutOff()
	var listening sync.WaitGroup
	listening.Go(func() {
		defer leave()
		c.listen(r.Body, interrupt)
	})
	select {
	case free <- struct{}{}:
		defer func() { <-free }()
		// The client waits less patiently for the beginning of the answer.
		if stream.Flush() == nil {
			code := run(command, request, c,
				output{c, func(piece []byte) toClient { return toClient{Stdout: piece} }},
				output{c, func(piece []byte) toClient { return toClient{Stderr: piece} }})
			_ = c.send(toClient{Done: true, Exit: code})
		}
	case <-command.Done():
	}
	// The client hangs up when it has the exit code: were it the server, what
	// the client sends meanwhile could cost it the rest of the answer.
	patience := requestTimeout
	if ctx.Err() != nil {
		patience = 0
	}
	_ = stream.SetReadDeadline(time.Now().Add(patience))
	listening.Wait()
}
