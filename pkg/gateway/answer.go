package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// answer is the answer of a function.
type answer struct {
	StatusCode        int                 `json:"statusCode"`
	Headers           map[string]string   `json:"headers"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
	Body              string              `json:"body"`
	IsBase64Encoded   bool                `json:"isBase64Encoded"`
}

// decodeAnswer is as strict as API Gateway, which treats anything else as a
// failure of the function.
func decodeAnswer(out []byte) (*answer, error) {
	if len(out) > MaxEventBytes {
		return nil, fmt.Errorf("the answer has %d bytes, more than %d", len(out), MaxEventBytes)
	}
	d := json.NewDecoder(bytes.NewReader(out))
	d.DisallowUnknownFields()
	var a answer
	if err := d.Decode(&a); err != nil {
		return nil, fmt.Errorf("the answer is malformed: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("the answer is malformed: something follows it")
	}
	if a.StatusCode < 200 || a.StatusCode > 599 {
		return nil, fmt.Errorf("the answer has the status %d", a.StatusCode)
	}
	return &a, nil
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

func (g *gateway) answer(w http.ResponseWriter, c *call, a *answer) {
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
	h := w.Header()
	for name, values := range merged {
		if seen := answerHeader(name); seen != "" {
			h[seen] = values
		}
	}
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/json")
	}
	g.send(w, c.request, a.StatusCode, a.Body)
}

// send writes an answer. A write fails only if the client is gone or the status
// allows no body.
func send(w http.ResponseWriter, status int, body string) {
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}
