package contract

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"testing"
)

// Transport returns a transport that checks what goes through base. An answer
// counts as complete when its body has been read to the end.
func Transport(t testing.TB, base http.RoundTripper) http.RoundTripper { return transport{t, base} }

type transport struct {
	t    testing.TB
	base http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (tr transport) RoundTrip(r *http.Request) (*http.Response, error) {
	x := Exchange{Method: r.Method, URL: r.URL, Header: r.Header}
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		_ = r.Body.Close()
		if err != nil {
			return nil, err
		}
		x.Body = body
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	answer, err := tr.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	x.Status, x.AnswerHeader = answer.StatusCode, answer.Header
	answer.Body = &recorded{ReadCloser: answer.Body, t: tr.t, x: x}
	return answer, nil
}

// recorded is the body of an answer, which is checked when it is closed.
type recorded struct {
	io.ReadCloser
	t    testing.TB
	x    Exchange
	read bytes.Buffer
	// ended and checked say that the end was read, and that all was checked.
	ended, checked bool
}

// Read implements [io.Reader].
func (b *recorded) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.read.Write(p[:n])
	b.ended = b.ended || errors.Is(err, io.EOF)
	return n, err
}

// Close implements [io.Closer].
func (b *recorded) Close() error {
	b.t.Helper()
	if !b.checked {
		b.checked = true
		b.x.Answer, b.x.Cut = b.read.Bytes(), !b.ended
		Check(b.t, b.x)
	}
	return b.ReadCloser.Close()
}
