package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"instances/pkg/cmd/instances/internal/relay"
	"instances/pkg/gateway"
	"instances/pkg/repository/bolt"
	"instances/pkg/template"
)

// server is what serve is about to serve.
type server struct {
	environment
	addr string
	// dir is the data folder, and shown how it was given.
	dir, shown string
	template   *template.Template
	logger     *slog.Logger
	// version is that of this program; see [version].
	version string
}

// run serves until ctx is done or something fails.
func (s *server) run(ctx context.Context) (err error) {
	retention, err := historyRetention(s.template)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	path := filepath.Join(s.dir, databaseName)
	_, statErr := os.Stat(path)
	fresh := errors.Is(statErr, os.ErrNotExist)
	db, err := bolt.Open(path, bolt.Options{
		Now: s.now, HistoryRetention: retention, LockTimeout: time.Second,
	})
	if errors.Is(err, bolt.ErrLocked) {
		return fmt.Errorf("another process has the data folder %s open: end it, or choose another folder with --data", s.dir)
	}
	if err != nil {
		return withAdvice(err, path)
	}
	defer func() { err = errors.Join(err, db.Close()) }()

	listener, err := s.listen()
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()

	r := newRegistry(db, s.now)
	note, err := ensureLocalKey(ctx, r, s.dir, s.shown, fresh, s.now())
	if err != nil {
		return err
	}
	functions, err := newFunctions(s.template, r, s.now, s.logger)
	if err != nil {
		return err
	}
	api, err := gateway.New(s.template, functions, gateway.Options{Now: s.now, Logger: s.logger})
	if err != nil {
		return err
	}
	commands, err := relay.Listen(s.dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, commands.Close()) }()

	hello := greeting{
		place: "the data folder " + s.shown,
		url:   baseURL(listener.Addr()), dir: s.shown, note: note,
		exposed: !isLoopback(listener.Addr()),
	}
	hello.print(s.stdout)
	defer s.schedule(ctx, functions)()
	return s.serve(ctx, listener, api, commands, r)
}

// rehearse serves the binaries of the functions until ctx is done or something
// fails. The template is at path.
func (s *server) rehearse(ctx context.Context, path string) error {
	retention, err := historyRetention(s.template)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	listener, err := s.listen()
	if err != nil {
		return err
	}
	defer func() { _ = listener.Close() }()
	say(s.stderr, "Building the functions and starting DynamoDB Local.\n")
	stage, err := localStage(ctx, filepath.Dir(path), s.template)
	if err != nil {
		return err
	}
	defer stage.stop()
	level := "INFO"
	if !s.logger.Enabled(ctx, slog.LevelInfo) {
		level = "WARN"
	}
	functions, t, err := stage.functions(ctx, path, level, s.stderr)
	if err != nil {
		return err
	}
	defer functions.Close()
	api, err := gateway.New(t, functions, gateway.Options{Now: s.now, Logger: s.logger})
	if err != nil {
		return err
	}
	r := newRegistry(stage.repository(s.now, retention), s.now)
	note, err := ensureLocalKey(ctx, r, s.dir, s.shown, true, s.now())
	if err != nil {
		return err
	}
	hello := greeting{
		place: "DynamoDB Local, by the functions as they get deployed",
		url:   baseURL(listener.Addr()), dir: s.shown, note: strings.TrimSpace(note + "\n" + stage.lines()),
		exposed: !isLoopback(listener.Addr()),
	}
	hello.print(s.stdout)
	return s.serve(ctx, listener, api, nil, r)
}

// listen listens on the address.
func (s *server) listen() (net.Listener, error) {
	listener, err := net.Listen("tcp", s.addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("the address %s is in use: choose another port with --addr %s:8080 or PORT=8080", s.addr, defaultHost)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w (choose an address with --addr)", s.addr, err)
	}
	return listener, nil
}

// serve answers requests and runs commands until ctx is done, and then
// finishes those that run. Commands may be nil, for none.
func (s *server) serve(ctx context.Context, l net.Listener, api http.Handler, commands *relay.Listener, r *registry) error {
	// What runs when the server is told to stop may finish.
	running, abort := context.WithCancel(context.WithoutCancel(ctx))
	defer abort()
	web := &http.Server{
		Handler:           api,
		BaseContext:       func(net.Listener) context.Context { return running },
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      70 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(s.logger.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 2)
	go func() { failed <- web.Serve(l) }()
	relayed := make(chan struct{})
	go func() {
		defer close(relayed)
		if commands == nil {
			return
		}
		if err := relay.Serve(running, commands, s.relayed(r), s.logger); err != nil {
			failed <- err
		}
	}()

	var err error
	select {
	case <-ctx.Done():
		say(s.stderr, "Finishing what runs. Ctrl-C again ends at once.\n")
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
		host = defaultHost
	}
	return "http://" + net.JoinHostPort(host, port)
}

// isLoopback reports whether only this machine reaches addr.
func isLoopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}
