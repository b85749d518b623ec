package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// head is what an answer of a function has before its body.
type head struct {
	StatusCode        int                 `json:"statusCode"`
	Headers           map[string]string   `json:"headers"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
}

// answer is the buffered answer of a function.
type answer struct {
	head
	Body            string `json:"body"`
	IsBase64Encoded bool   `json:"isBase64Encoded,omitempty"`
}

// decodeAnswer decodes a buffered answer.
func decodeAnswer(out []byte) (a answer, err error) {
	if len(out) > MaxEventBytes {
		return a, fmt.Errorf("the answer has %d bytes, more than %d", len(out), MaxEventBytes)
	}
	return a, decode(out, &a, &a.head)
}

// decode is as strict as API Gateway, which treats anything else as a failure of
// the function. h is the head in a.
func decode(out []byte, a any, h *head) error {
	d := json.NewDecoder(bytes.NewReader(out))
	d.DisallowUnknownFields()
	if err := d.Decode(a); err != nil {
		return fmt.Errorf("the answer is malformed: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("the answer is malformed: something follows it")
	}
	if h.StatusCode < 200 || h.StatusCode > 599 {
		return fmt.Errorf("the answer has the status %d", h.StatusCode)
	}
	return nil
}

// answerHeader returns the name under which a client sees a header of a
// function's answer, or "" if the header is dropped. The gateway sets the length
// itself.
func answerHeader(name string) string {
	switch name {
	case "Authorization", "Connection", "Content-Md5", "Date", "Max-Forwards", "Server", "User-Agent", "Www-Authenticate":
		return http.CanonicalHeaderKey("X-Amzn-Remapped-" + name)
	case "Content-Length", "Expect", "Host", "Proxy-Authenticate", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Via":
		return ""
	}
	return name
}

// setHeaders sets the headers of the answer that a client sees.
func (a head) setHeaders(h http.Header) {
	merged := http.Header{}
	for name, values := range a.MultiValueHeaders {
		for _, v := range values {
			merged.Add(name, v)
		}
	}
	for name, value := range a.Headers {
		if len(merged.Values(name)) == 0 {
			merged.Set(name, value)
		}
	}
	for name, values := range merged {
		if seen := answerHeader(name); seen != "" {
			h[seen] = values
		}
	}
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/json")
	}
}

// send writes an answer. A write fails only if the client is gone or the status
// allows no body.
func send(w http.ResponseWriter, status int, body string) {
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}
