package lambdahttp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"

	"github.com/aws/aws-lambda-go/events"
)

// faultError is the reason that the handler gave no answer.
type faultError struct {
	status int
	// detail is for the client; it holds nothing internal.
	detail string
	// cause and stack are for the log.
	cause error
	stack []byte
}

func (f *faultError) Error() string { return f.cause.Error() }

func (f *faultError) Unwrap() error { return f.cause }

// noEvent is the fault of a function called with something other than a request.
func noEvent(cause error) *faultError {
	return &faultError{
		status: http.StatusInternalServerError,
		detail: "The function was called with an event that is not a request of an API Gateway REST API (payload format 1.0).",
		cause:  fmt.Errorf("event is not a request of a REST API: %w", cause),
	}
}

// internal hides cause from the client.
func internal(cause error) *faultError {
	return &faultError{
		status: http.StatusInternalServerError,
		detail: "The request failed because of a fault of the server.",
		cause:  cause,
	}
}

// panicked returns the fault of a handler that is panicking with v.
func panicked(v any) *faultError {
	cause, ok := v.(error)
	if ok {
		cause = fmt.Errorf("panic: %w", cause)
	} else {
		cause = fmt.Errorf("panic: %v", v)
	}
	f := internal(cause)
	f.stack = debug.Stack()
	return f
}

// problem returns problem details (RFC 9457) for a *faultError.
func problem(err error) events.APIGatewayProxyResponse {
	var f *faultError
	if !errors.As(err, &f) {
		f = internal(err)
	}
	// Marshal cannot fail on these fields.
	body, _ := json.Marshal(struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Detail string `json:"detail"`
	}{"about:blank", http.StatusText(f.status), f.status, f.detail})
	return events.APIGatewayProxyResponse{
		StatusCode:        f.status,
		MultiValueHeaders: map[string][]string{"Content-Type": {"application/problem+json"}},
		Body:              string(body),
	}
}

// encode returns the response as JSON, with the headers that every answer has. If
// that is more than Lambda passes on, encode replaces the response and returns the
// reason.
func (f *function) encode(response *events.APIGatewayProxyResponse, requestID string) ([]byte, error) {
	out := f.marshal(response, requestID)
	if len(out) <= MaxAnswerBytes {
		return out, nil
	}
	err := internal(fmt.Errorf("answer of %d bytes as JSON is over the limit of %d", len(out), MaxAnswerBytes))
	err.detail = "The answer is too large to be sent."
	*response = problem(err)
	return f.marshal(response, requestID), err
}

func (f *function) marshal(response *events.APIGatewayProxyResponse, requestID string) []byte {
	f.complete(response.MultiValueHeaders, requestID)
	var b bytes.Buffer
	// Leave room for the headers and for some escaped quotes.
	b.Grow(len(response.Body) + len(response.Body)/8 + 1024)
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	// Encode cannot fail on these fields.
	_ = e.Encode(response)
	return b.Bytes()[:b.Len()-1]
}

// complete adds the headers that every answer has.
func (f *function) complete(h http.Header, requestID string) {
	for name, values := range f.options.Header {
		if name == "Vary" {
			values = append(values[:len(values):len(values)], h[name]...)
		} else if _, ok := h[name]; ok {
			continue
		}
		h[name] = values
	}
	if requestID != "" {
		h["X-Request-Id"] = oneLine([]string{requestID})
	}
}
