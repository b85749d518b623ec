package serving

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"
)

// jsonListener makes JSON of what net/http answers by itself, as text and without
// a handler, to requests that it cannot read: a malformed request line or header,
// a version or transfer coding that it does not know, a header that is too large,
// an expectation. Nothing is answered to a client that sends too slowly: net/http
// closes its connection.
type jsonListener struct {
	net.Listener
	logger *slog.Logger
}

// Accept implements [net.Listener].
func (l jsonListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if tcp, ok := c.(*net.TCPConn); ok {
		return &jsonConn{tcp, l.logger}, err
	}
	return c, err
}

// jsonConn is a connection of a [jsonListener]. The rest of a TCP connection is
// there too, since net/http closes halves.
type jsonConn struct {
	*net.TCPConn
	logger *slog.Logger
}

// Write implements [net.Conn].
func (c *jsonConn) Write(b []byte) (int, error) {
	status, reason, ok := unreadable(b)
	if !ok {
		return c.TCPConn.Write(b)
	}
	id := uuid.NewString()
	c.logger.Info("request not read", "request_id", id, "status", status, "reason", reason)
	if _, err := c.TCPConn.Write(unreadableAnswer(status, reason, id)); err != nil {
		return 0, err
	}
	return len(b), nil
}

// unreadable reports whether b is an answer of net/http's own, with its status and
// the reason that it gives, if any. It is always written at once. Every answer of the
// gateway has other headers, and no body has a line break of HTTP.
func unreadable(b []byte) (status int, reason string, ok bool) {
	const textHeaders = "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
	line, rest, ok := bytes.Cut(b, []byte("\r\n"))
	code, isAnswer := bytes.CutPrefix(line, []byte("HTTP/1.1 "))
	if !ok || !isAnswer || len(code) < 3 {
		return 0, "", false
	}
	status, err := strconv.Atoi(string(code[:3]))
	expectation := status == http.StatusExpectationFailed
	if err != nil || !expectation && !bytes.HasPrefix(rest, []byte(textHeaders[2:])) {
		return 0, "", false
	}
	_, reason, _ = strings.Cut(string(code), ": ")
	return status, reason, true
}

// unreadableAnswer returns the answer in the form of the template's gateway
// responses.
func unreadableAnswer(status int, reason, id string) []byte {
	detail := "The request is malformed."
	switch {
	case status == http.StatusRequestHeaderFieldsTooLarge:
		detail = "The header of the request is too large."
	case status == http.StatusNotImplemented:
		detail = "The transfer coding is not supported: send the body with its Content-Length, or chunked."
	case status == http.StatusHTTPVersionNotSupported:
		detail = "The version of HTTP is not supported."
	case status == http.StatusExpectationFailed:
		detail = "The only expectation that is supported is 100-continue."
	case reason != "":
		detail = "The request is malformed: " + reason + "."
	}
	// Marshal cannot fail on these fields.
	body, _ := json.Marshal(struct {
		Type      string `json:"type"`
		Title     string `json:"title"`
		Status    int    `json:"status"`
		Detail    string `json:"detail"`
		Message   string `json:"message"`
		RequestID string `json:"requestId"`
	}{"about:blank", http.StatusText(status), status, detail, detail, id})
	return fmt.Appendf(nil, "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-Length: %d\r\n"+
		"Content-Type: application/problem+json\r\nX-Request-Id: %s\r\n\r\n%s", status, http.StatusText(status), len(body), id, body)
}
