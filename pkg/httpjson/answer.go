package httpjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"
)

// Answer is what a [Handler] returns. Its JSON form is what [Once] keeps for a
// repeated request.
type Answer struct {
	Status int `json:"status"`
	// ContentType, ETag and Location are headers; an empty one is not sent.
	ContentType string `json:"contentType,omitempty"`
	ETag        string `json:"etag,omitempty"`
	Location    string `json:"location,omitempty"`
	// Header has the other headers, by their canonical names. It is not kept.
	Header http.Header `json:"-"`
	Body   []byte      `json:"body,omitempty"`

	// stream, unless nil, sends the answer with another body.
	stream func(a Answer, w http.ResponseWriter, r *http.Request) error
}

// NewAnswer returns an answer with v as its JSON body.
func NewAnswer(status int, v any) (Answer, error) {
	body, err := Marshal(v)
	if err != nil {
		return Answer{}, err
	}
	return Answer{Status: status, ContentType: "application/json", Body: body}, nil
}

// write sends the answer to r, to a HEAD without the body and its length. If it
// returns an error, nothing has been sent.
func (a Answer) write(w http.ResponseWriter, r *http.Request) error {
	if a.stream != nil {
		return a.stream(a, w, r)
	}
	if r.Method == http.MethodHead {
		a.writeHeader(w, 0)
		return nil
	}
	a.writeHeader(w, len(a.Body))
	// The error of a client that has gone away has no reader.
	_, _ = w.Write(a.Body)
	return nil
}

// writeHeader sends the status and the headers, of an answer with length bytes
// unless that is 0.
func (a Answer) writeHeader(w http.ResponseWriter, length int) {
	h := w.Header()
	maps.Copy(h, a.Header)
	for _, header := range [...]struct{ name, value string }{
		{"Content-Type", a.ContentType}, {"ETag", a.ETag}, {"Location", a.Location},
	} {
		if header.value != "" {
			h[http.CanonicalHeaderKey(header.name)] = []string{header.value}
		}
	}
	if length > 0 {
		h["Content-Length"] = []string{strconv.Itoa(length)}
	}
	w.WriteHeader(a.Status)
}

// Marshal returns v as JSON without escaping HTML.
func Marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	if err := newEncoder(&b).Encode(v); err != nil {
		return nil, fmt.Errorf("encode answer: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// newEncoder returns an encoder that does not escape HTML.
func newEncoder(w io.Writer) *json.Encoder {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e
}
