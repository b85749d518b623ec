package httpjson

import (
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"instances/pkg/auth"
)

// Handler answers a request made by who. Its errors are answered by [Errors].
type Handler func(r *http.Request, who auth.Principal) (Answer, error)

// Errors defines how a dialect answers a request that failed.
type Errors struct {
	// ContentType is the type of the answers, by default application/json.
	ContentType string
	// Challenge is the WWW-Authenticate of a 401.
	Challenge string
	// Describe returns the status and the body, which is encoded as JSON and
	// is all that the client learns.
	Describe func(r *http.Request, err error) (status int, body any)
}

// Secure returns a handler that calls serve for requests whose key has the
// permission.
func (e Errors) Secure(keys *auth.Authenticator, permission string, serve Handler) http.Handler {
	return e.handler(func(r *http.Request) (Answer, error) {
		who, err := keys.Authorize(r.Context(), r.Header, permission)
		if errors.Is(err, auth.ErrThrottled) {
			err = &RequestError{Status: http.StatusTooManyRequests, Detail: "There were too many wrong passwords; try again shortly."}
		}
		if err != nil {
			return Answer{}, err
		}
		return serve(r, who)
	})
}

// Open returns a handler that calls serve for all requests, with the zero
// principal.
func (e Errors) Open(serve Handler) http.Handler {
	return e.handler(func(r *http.Request) (Answer, error) { return serve(r, auth.Principal{}) })
}

// handler writes the answers of serve.
func (e Errors) handler(serve func(*http.Request) (Answer, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, err := serve(r)
		if err == nil {
			err = answer.write(w, r)
		}
		if err != nil {
			// Without a stream it cannot fail.
			_ = e.answer(r, err).write(w, r)
		}
	})
}

// answer returns the answer to r, which failed. It logs faults of the
// server, and lets the client retry a 503 after a second.
func (e Errors) answer(r *http.Request, failure error) Answer {
	status, body := e.Describe(r, failure)
	if status >= http.StatusInternalServerError {
		Logger(r.Context()).ErrorContext(r.Context(), "request failed", slog.Any("error", failure))
	}
	answer, err := NewAnswer(status, body)
	if err != nil {
		return Answer{Status: http.StatusInternalServerError}
	}
	if e.ContentType != "" {
		answer.ContentType = e.ContentType
	}
	if request := new(RequestError); errors.As(failure, &request) {
		answer.ETag = request.ETag
	}
	switch status {
	case http.StatusUnauthorized:
		answer.Header = http.Header{"Www-Authenticate": {e.Challenge}}
	case http.StatusTooManyRequests:
		answer.Header = http.Header{"Retry-After": {strconv.Itoa(int(auth.RetryAfter.Seconds()))}}
	case http.StatusServiceUnavailable:
		answer.Header = http.Header{"Retry-After": {"1"}}
	}
	return answer
}
