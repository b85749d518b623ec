package httpjson

import (
	"log/slog"
	"net/http"
)

// Refusal is how a dialect answers an error.
type Refusal struct {
	Status int
	// ContentType is that of Body; empty means application/json.
	ContentType string
	// Challenge is the WWW-Authenticate of a 401.
	Challenge string
	// Body is what is answered, and all that the client learns.
	Body any
}

// Write answers r, which failed with err. A fault of the server is logged, and
// a 503 says that the client may try again in a second.
func (f Refusal) Write(w http.ResponseWriter, r *http.Request, err error) {
	switch f.Status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", f.Challenge)
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
	}
	if f.Status >= http.StatusInternalServerError {
		Logger(r.Context()).ErrorContext(r.Context(), "request failed", slog.Any("error", err))
	}
	answer, err := NewAnswer(f.Status, f.Body)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	if f.ContentType != "" {
		answer.ContentType = f.ContentType
	}
	answer.Write(w)
}
