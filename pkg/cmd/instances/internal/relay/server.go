package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

const (
	// maxConnections is how many commands run at the same time; more wait.
	maxConnections = 16
	// requestTimeout is how long a client may take to say what it wants.
	requestTimeout = 10 * time.Second
)

// protocol is the version of the frames and of [Request].
const protocol = 1

// Request is a command line, as the client sends it.
type Request struct {
	// Protocol is filled in by [Call].
	Protocol int `json:"protocol"`
	// Version says which program the client is.
	Version string `json:"version"`
	// Args are the arguments, without the name of the program.
	Args []string `json:"args"`
	// Dir is the client's folder, to which relative paths in Args refer.
	Dir string `json:"dir"`
	// Terminal says that the client's standard error is a terminal.
	Terminal bool `json:"terminal"`
}

// Handler runs a command and returns its exit code, 0 to 255. A write returns
// when the client has written the output itself, or with an error if it could
// not. The context is done when the client goes away or is interrupted; in the
// second case it still takes output.
type Handler func(ctx context.Context, r Request, stdin io.Reader, stdout, stderr io.Writer) int

// Serve runs the commands of the clients of l until l is closed, then waits
// for those that still run. When ctx is done, their contexts are. It returns
// nil after [Listener.Close].
func Serve(ctx context.Context, l *Listener, run Handler) error {
	var running sync.WaitGroup
	defer running.Wait()
	free := make(chan struct{}, maxConnections)
	for {
		free <- struct{}{}
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("accept a command: %w", err)
		}
		running.Go(func() {
			defer func() { <-free }()
			serve(ctx, conn, run)
		})
	}
}

// serve runs the command of one client.
func serve(ctx context.Context, conn net.Conn, run Handler) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer func() { _ = conn.Close() }()
	r, err := readRequest(conn)
	if err != nil {
		return
	}
	command, interrupt := context.WithCancel(ctx)
	defer interrupt()
	p := &peer{
		ctx: ctx, command: command, interrupt: interrupt,
		conn: conn, taken: make(chan error), pieces: make(chan piece),
	}
	var listening sync.WaitGroup
	defer listening.Wait()
	defer func() { _ = conn.Close() }()
	listening.Go(func() {
		defer cancel()
		p.listen()
	})
	// A client that goes on reading nothing must not hold up the end.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	stdout, stderr := output{p, frameOutput}, output{p, frameErrors}
	if r.Protocol != protocol {
		_, _ = fmt.Fprintf(stderr, "instances: the process that serves this data folder is another version of this command: restart that process\n")
		_ = p.send(frameExit, []byte{1})
		return
	}
	code := run(command, r, &input{peer: p}, stdout, stderr)
	_ = p.send(frameExit, []byte{byte(code)})
}

// readRequest reads the first frame.
func readRequest(conn net.Conn) (Request, error) {
	if err := conn.SetReadDeadline(time.Now().Add(requestTimeout)); err != nil {
		return Request{}, err
	}
	k, payload, err := readFrame(conn)
	if err != nil {
		return Request{}, err
	}
	if k != frameRequest {
		return Request{}, fmt.Errorf("unexpected frame %q", k)
	}
	var r Request
	if err := json.Unmarshal(payload, &r); err != nil {
		return Request{}, err
	}
	return r, conn.SetReadDeadline(time.Time{})
}
