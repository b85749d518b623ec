package lambdahttp

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
)

// pipe carries a streamed answer from the handler to the reader. The handler
// may use it until it returns, the reader after ready is closed.
type pipe struct {
	status int
	header http.Header
	// ready is closed when these two are final.
	ready  chan struct{}
	chunks chan []byte
	// end is what the reader gets after the last chunk.
	end error
	// close ends the context of the request.
	close context.CancelFunc

	// The rest of the handler's side: complete adds the headers that every answer
	// has, part is not in chunks yet, and sent counts the bytes that are.
	done     <-chan struct{}
	complete func()
	part     []byte
	started  bool
	sent     int
	failed   error

	// chunk is what the reader has not read yet.
	chunk  []byte
	closed atomic.Bool
}

// Header returns the headers that are sent first.
func (p *pipe) Header() http.Header { return p.header }

// WriteHeader sets the status, unless that has been sent.
func (p *pipe) WriteHeader(status int) {
	if !p.started {
		p.status = status
	}
}

// Write writes a part of the body. It waits while the reader is too far behind,
// and fails once the context of the request has ended.
func (p *pipe) Write(b []byte) (int, error) {
	if p.failed != nil {
		return 0, p.failed
	}
	p.part = append(p.part, b...)
	if len(p.part) >= chunkBytes {
		p.Flush()
	}
	return len(b), p.failed
}

// Flush passes on what has been written.
func (p *pipe) Flush() {
	if !p.started {
		p.started = true
		p.complete()
		close(p.ready)
	}
	if len(p.part) == 0 || p.failed != nil {
		return
	}
	// While there is room, as for an error at the deadline, the context does not
	// matter.
	select {
	case p.chunks <- p.part:
	default:
		select {
		case p.chunks <- p.part:
		case <-p.done:
			p.failed = errCut
			return
		}
	}
	p.sent += len(p.part)
	p.part = nil
}

// Read returns a part of the body.
func (p *pipe) Read(b []byte) (int, error) {
	if p.closed.Load() {
		return 0, io.ErrClosedPipe
	}
	if len(p.chunk) == 0 {
		chunk, ok := <-p.chunks
		if !ok {
			return 0, p.end
		}
		p.chunk = chunk
	}
	n := copy(b, p.chunk)
	p.chunk = p.chunk[n:]
	return n, nil
}

// Close ends the context of the request, and waits for the handler. AWS's runtime
// client may still be reading.
func (p *pipe) Close() error {
	p.close()
	p.closed.Store(true)
	for range p.chunks {
	}
	return nil
}

// flushWriter is a writer whose handler can send what it has written.
type flushWriter struct {
	*writer
	pipe *pipe
}

// Flush implements [http.Flusher].
func (w flushWriter) Flush() {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	w.pipe.Flush()
}
