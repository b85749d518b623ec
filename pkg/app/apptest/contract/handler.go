package contract

import (
	"bytes"
	"io"
	"net/http"
	"testing"
)

// Handler returns a handler that checks what h gets and answers, for a server
// whose clients are not the test's own. An answer that breaks off is checked up
// to there, if it has begun.
func Handler(t testing.TB, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent := &bytes.Buffer{}
		if r.Body != nil {
			r.Body = struct {
				io.Reader
				io.Closer
			}{io.TeeReader(r.Body, sent), r.Body}
		}
		kept := &writer{ResponseWriter: w}
		x := Exchange{Method: r.Method, URL: r.URL, Header: r.Header.Clone(), Cut: true}
		defer func() {
			if kept.status == 0 && x.Cut {
				return
			}
			kept.begin(http.StatusOK)
			x.Body, x.Status, x.AnswerHeader, x.Answer = sent.Bytes(), kept.status, w.Header().Clone(), kept.body.Bytes()
			Check(t, x)
		}()
		h.ServeHTTP(kept, r)
		x.Cut = false
	})
}

// writer keeps what is written through it. Its status is 0 until the answer
// begins.
type writer struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

// begin notes the status of an answer that has none yet.
func (w *writer) begin(status int) {
	if w.status == 0 {
		w.status = status
	}
}

// Unwrap is for [http.ResponseController].
func (w *writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements [http.ResponseWriter].
func (w *writer) WriteHeader(status int) {
	w.begin(status)
	w.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (w *writer) Write(p []byte) (int, error) {
	w.begin(http.StatusOK)
	w.body.Write(p)
	return w.ResponseWriter.Write(p)
}
