package relay

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
)

// ErrNotServed says that no process serves a folder.
var ErrNotServed = errors.New("no process serves the data folder")

// Call runs a command in the process that serves dir and returns its exit
// code. It returns an error that is [ErrNotServed] when there is no such
// process; the command has not run then. After any other error it may have
// run, or may have been interrupted. It reads stdin only when the command
// does; a read that is under way is left behind when the command ends. When ctx
// is done, so is the context of the command, and Call returns when it has ended.
func Call(ctx context.Context, dir string, r Request, stdin io.Reader, stdout, stderr io.Writer) (int, error) {
	r.Protocol = protocol
	request, err := json.Marshal(r)
	if err != nil {
		return 0, err
	}
	conn, err := dial(ctx, dir)
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }()
	c := &client{conn: conn, stdin: stdin, stdout: stdout, stderr: stderr}
	if err := c.send(frameRequest, request); err != nil {
		return 0, lost(err)
	}
	// If the connection is lost, run finds out.
	stop := context.AfterFunc(ctx, func() { _ = c.send(frameInterrupt, nil) })
	defer stop()
	code, err := c.run()
	if err != nil && ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	return code, err
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

// client is the client's side of a connection.
type client struct {
	conn           net.Conn
	wire           sync.Mutex
	stdin          io.Reader
	stdout, stderr io.Writer
}

func (c *client) send(k kind, payload []byte) error {
	c.wire.Lock()
	defer c.wire.Unlock()
	return writeFrame(c.conn, k, payload)
}

// run serves the command until it ends.
func (c *client) run() (int, error) {
	for {
		k, payload, err := readFrame(c.conn)
		if err != nil {
			return 0, lost(err)
		}
		switch {
		case k == frameOutput || k == frameErrors:
			w := c.stdout
			if k == frameErrors {
				w = c.stderr
			}
			if err := c.send(frameTaken, write(w, payload)); err != nil {
				return 0, lost(err)
			}
		case k == frameInput:
			// The command may write while it waits for input.
			go c.feed()
		case k == frameExit && len(payload) == 1:
			return int(payload[0]), nil
		default:
			return 0, lost(fmt.Errorf("unexpected frame %q", k))
		}
	}
}

// write writes a piece of output and returns the payload that says how it
// went.
func write(w io.Writer, b []byte) []byte {
	_, err := w.Write(b)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.EPIPE):
		return []byte(syscall.EPIPE.Error())
	}
	return []byte(cmp.Or(err.Error(), "failed"))
}

// feed sends the next piece of standard input. If the connection is lost
// meanwhile, run finds out.
func (c *client) feed() {
	b := make([]byte, maxPiece)
	n, err := 0, error(nil)
	// A reader may return nothing a few times, but an empty piece is the end.
	for range 100 {
		if n, err = c.stdin.Read(b); n > 0 || err != nil {
			break
		}
	}
	switch {
	case n > 0:
		_ = c.send(frameInput, b[:n])
	case err == nil:
		_ = c.send(frameInputFailed, []byte(io.ErrNoProgress.Error()))
	case errors.Is(err, io.EOF):
		_ = c.send(frameInput, nil)
	default:
		_ = c.send(frameInputFailed, []byte(err.Error()))
	}
}

// lost says that the other process went away.
func lost(err error) error {
	return fmt.Errorf("lost the process that serves the data folder before the command ended: %w", err)
}
