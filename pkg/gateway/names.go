package gateway

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"strings"
	"sync"
)

// KeepNames makes a server of the gateway pass on the names of headers as
// clients spell them, which net/http does not keep. It returns the listener to
// serve on; s must serve nothing yet. Without it, names have Go's canonical
// form, as they have over HTTP/2 and TLS.
func KeepNames(s *http.Server, l net.Listener) net.Listener {
	next := s.ConnContext
	s.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if next != nil {
			ctx = next(ctx, c)
		}
		if kept, ok := c.(*namesConn); ok {
			return context.WithValue(ctx, namesKey{}, kept)
		}
		return ctx
	}
	return namesListener{l}
}

type namesKey struct{}

type namesListener struct{ net.Listener }

func (l namesListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &namesConn{Conn: c, answered: true}, nil
}

// namesConn sees the header of each request before net/http does. A request
// begins with the first read after an answer, and its header ends with an empty
// line. Where a client does otherwise and sends its next request early, names
// are canonical.
type namesConn struct {
	net.Conn
	mu sync.Mutex
	// answered says that what is read next begins a request, and inHeader
	// that its header has not ended; line is the start of the next line.
	answered, inHeader, inFirstLine bool
	line                            []byte
	spelled                         map[string]string // by canonical name
}

func (c *namesConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.answered && n > 0 {
		c.answered, c.inHeader, c.inFirstLine, c.line, c.spelled = false, true, true, nil, map[string]string{}
	}
	for rest := b[:n]; c.inHeader && len(rest) > 0; {
		line, after, ended := bytes.Cut(rest, []byte("\n"))
		c.line, rest = append(c.line, line...), after
		if ended {
			c.endLine()
		}
	}
	return n, err
}

// endLine takes the line in. No line is longer than net/http reads.
func (c *namesConn) endLine() {
	line := string(bytes.TrimSuffix(c.line, []byte("\r")))
	c.line = c.line[:0]
	switch name, _, ok := strings.Cut(line, ":"); {
	case c.inFirstLine:
		c.inFirstLine = line == ""
	case line == "":
		c.inHeader = false
	case ok:
		c.spelled[http.CanonicalHeaderKey(name)] = name
	}
}

func (c *namesConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	c.answered = true
	c.mu.Unlock()
	return c.Conn.Write(b)
}

// spelling returns how the client spells the names of headers, by their
// canonical form. It is to be called before the body is read.
func spelling(r *http.Request) map[string]string {
	c, ok := r.Context().Value(namesKey{}).(*namesConn)
	if !ok {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.spelled
}

// eventName returns the name that a header has in an event: API Gateway spells
// some itself.
func (c *call) eventName(canonical string) string {
	switch canonical {
	case "Authorization", "Host", "User-Agent", "X-Amzn-Trace-Id", "X-Forwarded-For", "X-Forwarded-Port", "X-Forwarded-Proto":
		return canonical
	}
	if name, ok := c.spelled[canonical]; ok {
		return name
	}
	return canonical
}
