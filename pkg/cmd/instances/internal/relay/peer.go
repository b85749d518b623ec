package relay

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"syscall"
)

// errGone says that the other side of a connection went away.
var errGone = errors.New("the other process is gone")

// peer is the server's side of a connection, once the request is read.
type peer struct {
	// ctx is done when the client is gone, command when it is or wants the
	// command to end; interrupt ends that one.
	ctx, command context.Context
	interrupt    context.CancelFunc
	conn         net.Conn
	// wire is held to send a frame, turn from there until the frame is taken.
	wire, turn sync.Mutex
	taken      chan error
	pieces     chan piece
}

// piece is a piece of standard input, or why there is none.
type piece struct {
	data []byte
	err  error
}

func (p *peer) send(k kind, payload []byte) error {
	p.wire.Lock()
	defer p.wire.Unlock()
	return writeFrame(p.conn, k, payload)
}

// listen hands on what the client sends until the connection ends or the
// client breaks the rules.
func (p *peer) listen() {
	for {
		k, payload, err := readFrame(p.conn)
		if err != nil {
			return
		}
		switch k {
		case frameTaken:
			select {
			case p.taken <- refused(payload):
			case <-p.ctx.Done():
				return
			}
		case frameInput, frameInputFailed:
			in := piece{data: payload}
			switch {
			case k == frameInputFailed:
				in = piece{err: errors.New(string(payload))}
			case len(payload) == 0:
				in.err = io.EOF
			}
			select {
			case p.pieces <- in:
			case <-p.command.Done():
				// Nobody waits for it any longer.
			}
		case frameInterrupt:
			p.interrupt()
		default:
			return
		}
	}
}

// refused returns why the client could not write output, or nil.
func refused(payload []byte) error {
	switch text := string(payload); text {
	case "":
		return nil
	case syscall.EPIPE.Error():
		return syscall.EPIPE
	default:
		return errors.New(text)
	}
}

// output is the standard output or error of a command. It is safe for
// concurrent use.
type output struct {
	peer *peer
	kind kind
}

func (o output) Write(b []byte) (int, error) {
	o.peer.turn.Lock()
	defer o.peer.turn.Unlock()
	written := 0
	for written < len(b) {
		next := b[written:min(len(b), written+maxPiece)]
		if err := o.peer.send(o.kind, next); err != nil {
			return written, errGone
		}
		select {
		case err := <-o.peer.taken:
			if err != nil {
				return written, err
			}
		case <-o.peer.ctx.Done():
			return written, errGone
		}
		written += len(next)
	}
	return written, nil
}

// input is the standard input of a command.
type input struct {
	peer *peer
	rest []byte
	err  error
}

func (i *input) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if len(i.rest) == 0 && i.err == nil {
		i.next()
	}
	if len(i.rest) == 0 {
		return 0, i.err
	}
	n := copy(b, i.rest)
	i.rest = i.rest[n:]
	return n, nil
}

// next asks the client for the next piece, unless it is interrupted.
func (i *input) next() {
	if i.peer.command.Err() != nil {
		i.err = i.peer.ended()
		return
	}
	if err := i.peer.send(frameInput, nil); err != nil {
		i.err = errGone
		return
	}
	select {
	case in := <-i.peer.pieces:
		i.rest, i.err = in.data, in.err
	case <-i.peer.command.Done():
		i.err = i.peer.ended()
	}
}

// ended returns why the command is to end: its client is gone, or interrupted
// it.
func (p *peer) ended() error {
	if p.ctx.Err() != nil {
		return errGone
	}
	return p.command.Err()
}
