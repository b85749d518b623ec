package relay

import (
	"cmp"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// interruptTimeout is how long an interrupted client waits for a server that
// has not begun to answer.
const interruptTimeout = time.Second

// ErrNotServed says that no process serves a folder.
var ErrNotServed = errors.New("no process serves the data folder")

// Call runs a command in the process that serves dir and returns its exit
// code. It returns an error that is [ErrNotServed] when there is no such
// process; the command has not run then. After any other error it may have
// run, or may have been interrupted. It reads stdin only when the command
// does; a read that is under way is left behind when the command ends. When ctx
// is done, so is the context of the command, and Call returns when it has ended.
func Call(ctx context.Context, dir string, r Request, stdin io.Reader, stdout, stderr io.Writer) (int, error) {
	conn, err := dial(ctx, dir)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	body, sent := io.Pipe()
	defer func() { _ = sent.Close() }()
	transport := &http.Transport{
		DialContext:       func(context.Context, string, string) (net.Conn, error) { return callerConn{conn, body}, nil },
		DisableKeepAlives: true, DisableCompression: true,
	}
	// The request outlives ctx once the command runs.
	running, hangUp := context.WithCancel(context.WithoutCancel(ctx))
	defer hangUp()
	post, err := http.NewRequestWithContext(running, http.MethodPost, "http://instances"+protocol+"?"+r.query(), body)
	if err != nil {
		return 0, err
	}
	c := &client{encoder: gob.NewEncoder(sent), stdin: stdin, stdout: stdout, stderr: stderr}
	answered := make(chan struct{})
	interrupt := context.AfterFunc(ctx, func() {
		c.send(toServer{Interrupt: true})
		select {
		case <-answered:
		case <-time.After(interruptTimeout):
			hangUp()
		}
	})
	defer interrupt()
	answer, err := transport.RoundTrip(post)
	close(answered)
	switch {
	case err != nil && ctx.Err() != nil:
		return 0, context.Cause(ctx)
	case err != nil:
		return 0, lost(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return 0, errors.New("the process that serves the data folder is another version of this command: restart that process")
	}
	code, err := c.run(answer.Body)
	if err != nil && ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	return code, err
}

// query returns the request as the query of a URL, which keeps every byte.
func (r Request) query() string {
	return url.Values{
		"version": {r.Version}, "arg": r.Args, "dir": {r.Dir}, "terminal": {strconv.FormatBool(r.Terminal)},
	}.Encode()
}

// parse reads what query wrote.
func parse(query string) (Request, error) {
	q, err := url.ParseQuery(query)
	return Request{
		Version: q.Get("version"), Args: q["arg"], Dir: q.Get("dir"), Terminal: q.Get("terminal") == "true",
	}, err
}

// dial connects to the process that serves dir.
func dial(ctx context.Context, dir string) (net.Conn, error) {
	path, release, err := address(dir, socketName)
	if errors.Is(err, syscall.ENOENT) {
		return nil, ErrNotServed
	}
	if err != nil {
		return nil, err
	}
	defer release()
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil, ErrNotServed
	}
	if err != nil {
		return nil, fmt.Errorf("connect to the process that serves %s: %w", dir, err)
	}
	return conn, nil
}

// callerConn ends the body of the request with the connection: the transport
// waits for it before it reports that the connection was lost.
type callerConn struct {
	net.Conn
	body *io.PipeReader
}

func (c callerConn) Close() error {
	_ = c.body.Close()
	return c.Conn.Close()
}

// client is the client's side of a running command.
type client struct {
	mu             sync.Mutex
	encoder        *gob.Encoder
	stdin          io.Reader
	stdout, stderr io.Writer
}

// send sends a message. If the connection is lost, run finds out.
func (c *client) send(m toServer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.encoder.Encode(m)
}

// run does what the server asks until the command ends.
func (c *client) run(answer io.Reader) (int, error) {
	for decoder := gob.NewDecoder(answer); ; {
		var m toClient
		if err := decoder.Decode(&m); err != nil {
			return 0, lost(err)
		}
		switch {
		case m.Done:
			return m.Exit, nil
		case m.Read > 0:
			// The command may write while it waits for input.
			go c.read(m.Read)
		case len(m.Stderr) > 0:
			c.write(c.stderr, m.Stderr)
		default:
			c.write(c.stdout, m.Stdout)
		}
	}
}

// write writes a piece of output and reports how it went.
func (c *client) write(w io.Writer, b []byte) {
	result := toServer{Wrote: true}
	_, err := w.Write(b)
	switch {
	case errors.Is(err, syscall.EPIPE):
		result.Error = syscall.EPIPE.Error()
	case err != nil:
		result.Error = cmp.Or(err.Error(), "failed")
	}
	c.send(result)
}

// read sends the next piece of standard input.
func (c *client) read(size int) {
	b := make([]byte, min(size, maxPiece))
	n, err := io.ReadAtLeast(c.stdin, b, 1)
	piece := toServer{Read: true, Input: b[:n]}
	switch {
	case n > 0:
	case errors.Is(err, io.EOF):
		piece.EOF = true
	default:
		piece.Error = err.Error()
	}
	c.send(piece)
}

// lost says that the other process went away.
func lost(err error) error {
	return fmt.Errorf("lost the process that serves the data folder before the command ended: %w", err)
}
