package relay

import (
	"context"
	"encoding/gob"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"
	"syscall"
)

// connection is the server's side of a running command.
type connection struct {
	// ctx is done when the client is gone, command when it is or wants the
	// command to end.
	ctx, command context.Context
	// wire is held to send something, turn until output has been written.
	wire, turn sync.Mutex
	encoder    *gob.Encoder
	stream     *http.ResponseController
	// The client answers one thing at a time.
	wrote, input chan toServer
}

func newConnection(ctx, command context.Context, w io.Writer, stream *http.ResponseController) *connection {
	return &connection{
		ctx: ctx, command: command, encoder: gob.NewEncoder(w), stream: stream,
		wrote: make(chan toServer, 1), input: make(chan toServer, 1),
	}
}

func (c *connection) send(m toClient) error {
	c.wire.Lock()
	defer c.wire.Unlock()
	if c.encoder.Encode(m) != nil || c.stream.Flush() != nil {
		return errGone
	}
	return nil
}

// listen passes on what the client sends until it hangs up, or answers what
// was not asked.
func (c *connection) listen(body io.Reader, interrupt func()) {
	for decoder := gob.NewDecoder(body); ; {
		var m toServer
		if decoder.Decode(&m) != nil {
			return
		}
		if m.Interrupt {
			interrupt()
			continue
		}
		answers := c.wrote
		if m.Read {
			answers = c.input
		}
		select {
		case answers <- m:
		default:
			return
		}
	}
}

// failure returns the error of the client.
func (m toServer) failure() error {
	switch m.Error {
	case "":
		return nil
	case syscall.EPIPE.Error():
		return syscall.EPIPE
	}
	return errors.New(m.Error)
}

// output is a stream of the command. It is safe for concurrent use.
type output struct {
	*connection
	message func(piece []byte) toClient
}

// Write sends pieces and waits until each has been written.
func (o output) Write(b []byte) (n int, err error) {
	o.turn.Lock()
	defer o.turn.Unlock()
	for piece := range slices.Chunk(b, maxPiece) {
		if err := o.send(o.message(piece)); err != nil {
			return n, err
		}
		select {
		case m := <-o.wrote:
			if err := m.failure(); err != nil {
				return n, err
			}
		case <-o.ctx.Done():
			return n, errGone
		}
		n += len(piece)
	}
	return n, nil
}

// Read reads from the standard input of the client, unless that is interrupted.
func (c *connection) Read(b []byte) (int, error) {
	size := min(len(b), maxPiece)
	if size == 0 {
		return 0, nil
	}
	if c.command.Err() == nil && c.send(toClient{Read: size}) != nil {
		return 0, errGone
	}
	select {
	case m := <-c.input:
		if m.EOF {
			return 0, io.EOF
		}
		return copy(b, m.Input), m.failure()
	case <-c.command.Done():
		if c.ctx.Err() != nil {
			return 0, errGone
		}
		return 0, c.command.Err()
	}
}
