package lambdahttp

import (
	"fmt"
	"net/http"
	"strings"
)

// writer passes an answer to the adapter's writer by the rules of net/http: the
// first status counts, with the headers at that time.
type writer struct {
	to     http.ResponseWriter
	head   bool
	header http.Header
	status int
	typed  bool
}

// Header returns the headers that the first WriteHeader sends.
func (w *writer) Header() http.Header {
	if w.header == nil {
		w.header = http.Header{}
	}
	return w.header
}

// WriteHeader sends the status and the headers; only the first call counts.
// It panics on a status that the gateway would not pass on.
func (w *writer) WriteHeader(status int) {
	if status < 100 || status > 599 {
		panic(fmt.Sprintf("invalid status %d", status))
	}
	// Informational answers cannot be sent.
	if w.status != 0 || status < 200 {
		return
	}
	w.status = status
	w.typed = bodyAllowed(status) && w.header.Get("Content-Type") != ""
	to := w.to.Header()
	for name, values := range w.header {
		// The gateway counts the bytes that it sends.
		if name != "Content-Length" && (w.typed || name != "Content-Type") {
			to[name] = oneLine(values)
		}
	}
	w.to.WriteHeader(status)
}

// Write sends body, and status 200 if there was none yet.
func (w *writer) Write(body []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	switch {
	case len(body) == 0:
		return 0, nil
	case !bodyAllowed(w.status):
		return 0, http.ErrBodyNotAllowed
	case w.head:
		return len(body), nil
	}
	return w.to.Write(body)
}

// finish ends the answer. It removes the content type that the adapter guesses
// from the body if the handler set none.
func (w *writer) finish() {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if !w.typed && w.to.Header().Get("Content-Type") != "" {
		w.to.Header().Del("Content-Type")
	}
}

// bodyAllowed reports whether an answer of the status may have a body.
func bodyAllowed(status int) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

// oneLine returns values without line breaks, which would start another header.
func oneLine(values []string) []string {
	for i, v := range values {
		if !strings.ContainsAny(v, "\r\n\x00") {
			continue
		}
		clean := make([]string, len(values))
		copy(clean, values[:i])
		for j := i; j < len(values); j++ {
			clean[j] = strings.NewReplacer("\r", " ", "\n", " ", "\x00", " ").Replace(values[j])
		}
		return clean
	}
	return values
}
