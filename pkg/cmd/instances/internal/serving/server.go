// Package serving serves the API on one machine, and runs the commands of other
// processes on the data folder that it serves.
package serving

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"instances/pkg/cmd/instances/internal/relay"
	"instances/pkg/cmd/instances/internal/store"
	"instances/pkg/gateway"
	"instances/pkg/instance"
	"instances/pkg/repository/bolt"
	"instances/pkg/template"
)

const (
	// DefaultHost is where a server listens unless told otherwise.
	DefaultHost = "127.0.0.1"
	// drainTimeout is how long running requests and commands may take to
	// finish when the server is told to stop: a function has 29 s, and a stream
	// that takes longer is cut off.
	drainTimeout = 30 * time.Second
)

// Server is what is to be served, and how.
type Server struct {
	// Addr is the address to listen on.
	Addr string
	// Dir is the data folder, and Shown how it was given.
	Dir, Shown string
	Template   *template.Template
	// TemplatePath is where Template was read.
	TemplatePath string
	Logger       *slog.Logger
	Now          func() time.Time
	// After is [time.After], or what a test has in its place.
	After          func(time.Duration) <-chan time.Time
	Stdout, Stderr io.Writer
	// CommandLine runs the commands of other processes.
	CommandLine CommandLine
	// Version is that of this program; see [Version].
	Version string
}

// Run serves the data folder until ctx is done or something fails.
func (s *Server) Run(ctx context.Context) (err error) {
	retention, err := HistoryRetention(s.Template)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return fmt.Errorf("create the data folder: %w", err)
	}
	path := filepath.Join(s.Dir, store.DatabaseName)
	_, statErr := os.Stat(path)
	fresh := errors.Is(statErr, os.ErrNotExist)
	db, err := bolt.Open(path, bolt.Options{
		Now: s.Now, HistoryRetention: retention, LockTimeout: time.Second,
		EqualCodes: func(of []instance.Instance) { s.Logger.Warn(store.EqualCodes(of)) },
	})
	if errors.Is(err, bolt.ErrLocked) {
		return fmt.Errorf("another process has the data folder %s open: end it, or choose another folder with --data", s.Dir)
	}
	if err != nil {
		return store.Advise(err, path)
	}
	defer func() { err = errors.Join(err, db.Close()) }()

	listener, err := s.listen()
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()

	r := store.New(db, s.Now)
	note, err := EnsureLocalKey(ctx, r, s.Dir, s.Shown, fresh, s.Now())
	if err != nil {
		return err
	}
	functions, err := NewFunctions(s.Template, r, s.Now, s.Logger)
	if err != nil {
		return err
	}
	api, err := gateway.New(s.Template, functions, gateway.Options{Now: s.Now, Logger: s.Logger})
	if err != nil {
		return err
	}
	commands, err := relay.Listen(s.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, commands.Close()) }()

	hello := greeting{
		place: "the data folder " + s.Shown,
		url:   baseURL(listener.Addr()), dir: s.Shown, note: note,
		exposed: !isLoopback(listener.Addr()),
	}
	hello.print(s.Stdout)
	defer s.Schedule(ctx, functions)()
	return s.serve(ctx, listener, api, commands, r)
}

// Rehearse serves the binaries of the functions, on a DynamoDB Local, until ctx
// is done or something fails.
func (s *Server) Rehearse(ctx context.Context) error {
	retention, err := HistoryRetention(s.Template)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return fmt.Errorf("create the data folder: %w", err)
	}
	listener, err := s.listen()
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	say(s.Stderr, "Building the functions and starting DynamoDB Local.\n")
	stage, err := LocalStage(ctx, filepath.Dir(s.TemplatePath), s.Template)
	if err != nil {
		return err
	}
	defer stage.Stop()
	level := "INFO"
	if !s.Logger.Enabled(ctx, slog.LevelInfo) {
		level = "WARN"
	}
	functions, t, err := stage.Functions(ctx, s.TemplatePath, level, s.Stderr)
	if err != nil {
		return err
	}
	defer functions.Close()
	api, err := gateway.New(t, functions, gateway.Options{Now: s.Now, Logger: s.Logger})
	if err != nil {
		return err
	}
	r := store.New(stage.Repository(s.Now, retention), s.Now)
	note, err := EnsureLocalKey(ctx, r, s.Dir, s.Shown, true, s.Now())
	if err != nil {
		return err
	}
	hello := greeting{
		place: "DynamoDB Local, with the functions as they get deployed",
		url:   baseURL(listener.Addr()), dir: s.Shown, note: strings.TrimSpace(note + "\n" + stage.lines()),
		exposed: !isLoopback(listener.Addr()),
	}
	hello.print(s.Stdout)
	return s.serve(ctx, listener, api, nil, r)
}

// listen listens on the address.
func (s *Server) listen() (net.Listener, error) {
	listener, err := net.Listen("tcp", s.Addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("the address %s is in use: choose another port with --addr %s:8080 or PORT=8080", s.Addr, DefaultHost)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w (choose an address with --addr)", s.Addr, err)
	}
	return listener, nil
}

// serve answers requests and runs commands until ctx is done, and then
// finishes those that run. Commands may be nil, for none.
func (s *Server) serve(ctx context.Context, l net.Listener, api http.Handler, commands *relay.Listener, r *store.Registry) error {
	// What runs when the server is told to stop may finish.
	running, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	web := &http.Server{
		Handler:           api,
		BaseContext:       func(net.Listener) context.Context { return running },
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		// For a buffered answer: the gateway gives each part of a stream its own.
		WriteTimeout:   70 * time.Second,
		IdleTimeout:    2 * time.Minute,
		MaxHeaderBytes: 32 << 10,
		ErrorLog:       slog.NewLogLogger(s.Logger.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 2)
	go func() { failed <- web.Serve(jsonListener{l, s.Logger}) }()
	relayed := make(chan struct{})
	go func() {
		defer close(relayed)
		if commands == nil {
			return
		}
		if err := relay.Serve(running, commands, s.relayed(r), s.Logger); err != nil {
			failed <- err
		}
	}()

	var err error
	select {
	case <-ctx.Done():
		say(s.Stderr, "Finishing the running requests. Press Ctrl-C again to exit at once.\n")
	case err = <-failed:
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	if commands != nil {
		err = errors.Join(err, commands.Close())
	}
	if shutdownErr := web.Shutdown(drain); shutdownErr != nil {
		abort()
		err = errors.Join(err, fmt.Errorf("requests still ran after %s and were cut off", drainTimeout), web.Close())
	}
	select {
	case <-relayed:
	case <-drain.Done():
		abort()
		<-relayed
	}
	return err
}

// baseURL returns the URL under which this machine reaches addr.
func baseURL(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if err != nil {
		return "http://" + addr.String()
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = DefaultHost
	}
	return "http://" + net.JoinHostPort(host, port)
}

// isLoopback reports whether only this machine reaches addr.
func isLoopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// say writes a message. If that fails, there is nobody to tell.
func say(w io.Writer, format string, values ...any) {
	_, _ = fmt.Fprintf(w, format, values...)
}
