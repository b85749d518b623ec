package gateway

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
	"unicode/utf8"

	"instances/pkg/template"
)

// Delimiter separates the status and headers of a stream from its body.
const Delimiter = "\x00\x00\x00\x00\x00\x00\x00\x00"

// errIdle means that too much time passed between two parts of a stream. Before
// the first one it is also an errTimeout.
var errIdle = fmt.Errorf("%w: nothing came for %s", errTimeout, MaxIdle)

// stream has a function answer with a stream, which goes to the client as it
// comes. A stream that breaks off before its end breaks off the client's answer.
func (g *gateway) stream(w http.ResponseWriter, c *call, m template.Method) {
	f := g.functions[m.Function]
	event, err := c.event(g.api, http.NoBody)
	if err != nil {
		g.refuse(w, c, requestTooLarge())
		return
	}
	// A client that leaves ends the invocation.
	s := newStream(c.request.Context(), m.Stream)
	defer s.end()
	h, err := s.open(g.invoker, f.Name, event)
	switch {
	case c.request.Context().Err() != nil:
		// What the function could not do for lack of a client is not its fault.
		panic(http.ErrAbortHandler)
	case err != nil:
		g.failed(w, c, f, err)
		return
	}
	h.setHeaders(w.Header())
	w.WriteHeader(h.StatusCode)
	if err := s.sendTo(w); err != nil {
		if c.request.Context().Err() == nil {
			g.log(c, f, "stream broken off", err)
		}
		panic(http.ErrAbortHandler)
	}
}

// stream is the streamed answer of a function.
type stream struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	// idle cancels the context unless it is stopped in time.
	idle   *time.Timer
	answer io.ReadCloser
	body   *bufio.Reader
	// release frees what the context holds.
	release context.CancelFunc
}

// newStream returns a stream that may take that long.
func newStream(ctx context.Context, limit time.Duration) *stream {
	s := &stream{}
	ctx, s.release = context.WithTimeoutCause(ctx, limit, errTimeout)
	s.ctx, s.cancel = context.WithCancelCause(ctx)
	s.idle = time.AfterFunc(MaxIdle, func() { s.cancel(errIdle) })
	return s
}

// end ends the invocation.
func (s *stream) end() {
	s.idle.Stop()
	s.cancel(nil)
	s.release()
	if s.answer != nil {
		_ = s.answer.Close()
	}
}

// open invokes the function and returns the head of its answer.
func (s *stream) open(i Invoker, function string, event []byte) (h head, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the function panicked: %v", v)
		}
		if err != nil && s.ctx.Err() != nil {
			err = context.Cause(s.ctx)
		}
	}()
	if s.answer, err = i.Stream(s.ctx, function, event); err != nil {
		return h, err
	}
	s.body = bufio.NewReader(s.answer)
	return readHead(s.body)
}

// readHead reads the prelude of a stream.
func readHead(r *bufio.Reader) (h head, err error) {
	var prelude []byte
	for !bytes.HasSuffix(prelude, []byte(Delimiter)) {
		if len(prelude) == MaxPreludeBytes {
			return h, fmt.Errorf("the answer has no delimiter in its first %d bytes", MaxPreludeBytes)
		}
		b, err := r.ReadByte()
		if errors.Is(err, io.EOF) {
			return h, errors.New("the answer ends before its delimiter")
		}
		if err != nil {
			return h, err
		}
		prelude = append(prelude, b)
	}
	return h, decode(prelude[:len(prelude)-len(Delimiter)], &h, &h)
}

// sendTo writes the body to the client, each part when it comes.
func (s *stream) sendTo(w http.ResponseWriter) error {
	client := http.NewResponseController(w)
	buffer := make([]byte, 32<<10)
	for {
		if err := client.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return err
		}
		s.idle.Reset(MaxIdle)
		n, err := s.body.Read(buffer)
		s.idle.Stop()
		if s.ctx.Err() != nil {
			return context.Cause(s.ctx)
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		// The server's own limit is for a whole answer. A recorder has none.
		_ = client.SetWriteDeadline(time.Now().Add(MaxIdle))
		if _, err := w.Write(buffer[:n]); err != nil && !errors.Is(err, http.ErrBodyNotAllowed) {
			return err
		}
		if err != nil {
			return nil
		}
	}
}

// Buffer reads a streamed answer to its end, and returns it in the form in which
// functions return buffered ones. A body that is not text is in Base64.
func Buffer(stream io.Reader) ([]byte, error) {
	r := bufio.NewReader(stream)
	h, err := readHead(r)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	a := answer{head: h, Body: string(body), IsBase64Encoded: !utf8.Valid(body)}
	if a.IsBase64Encoded {
		a.Body = base64.StdEncoding.EncodeToString(body)
	}
	return json.Marshal(a)
}
