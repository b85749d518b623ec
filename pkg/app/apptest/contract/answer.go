package contract

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// checkAnswer returns what the answer uses of the document, and how it differs
// from its description.
func (d *Document) checkAnswer(x Exchange, o *operation) (*trace, error) {
	t := &trace{}
	status := o.node.child("responses").child(strconv.Itoa(x.Status))
	if !status.there() {
		return t, fmt.Errorf("%s does not describe the status %d", o, x.Status)
	}
	t.add(status)
	described := d.follow(status)
	t.add(described)
	if err := d.checkHeaders(t, x, described); err != nil {
		return t, err
	}
	if x.Method == http.MethodHead {
		// It is described as for GET; no server sends the body.
		return t, nil
	}
	content := described.child("content")
	if !content.there() {
		if len(x.Answer) > 0 {
			return t, errors.New("it has a body, and none is described")
		}
		return t, nil
	}
	contentType := x.AnswerHeader.Get("Content-Type")
	media := content.child(contentType)
	if !media.there() {
		return t, fmt.Errorf("the type %q is not described", contentType)
	}
	t.add(media)
	if x.Cut {
		return t, nil
	}
	body, err := decoded(x.AnswerHeader.Get("Content-Encoding"), x.Answer)
	if err != nil {
		return t, err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil && strings.Contains(err.Error(), "exceeded max depth") {
		// No request can nest values so deep, but stored instances may.
		return t, nil
	}
	if err != nil {
		return t, fmt.Errorf("the body: %w", err)
	}
	if err := d.check(media.child("schema"), value); err != nil {
		return t, fmt.Errorf("the body: %w", err)
	}
	d.trace(t, media, value)
	return t, nil
}

// checkHeaders compares the headers of an answer with those described.
func (d *Document) checkHeaders(t *trace, x Exchange, described node) error {
	names := map[string]bool{}
	for name, ref := range described.child("headers").children() {
		header := d.follow(ref)
		names[http.CanonicalHeaderKey(name)] = true
		values := x.AnswerHeader.Values(name)
		if len(values) == 0 {
			if header.yes("required") {
				return fmt.Errorf("the header %s is missing", name)
			}
			continue
		}
		text := strings.Join(values, ", ")
		schema := header.child("schema")
		if err := d.check(schema, d.parse(schema, text)); err != nil {
			return fmt.Errorf("the header %s is %q: %w", name, text, err)
		}
		t.add(ref)
	}
	for name := range x.AnswerHeader {
		if !names[name] && !isOfHTTP(name) {
			return fmt.Errorf("the header %s is not described", name)
		}
	}
	return nil
}

// isOfHTTP reports whether a header of an answer is not the API's own: it is
// that of the server or of API Gateway, or says how the body is sent.
func isOfHTTP(name string) bool {
	switch name {
	case "Connection", "Content-Encoding", "Content-Length", "Content-Type", "Date", "Trailer", "Transfer-Encoding",
		"X-Amz-Apigw-Id", "X-Amzn-Requestid", "X-Amzn-Trace-Id":
		return true
	}
	return false
}

// decoded removes the content coding of a body.
func decoded(coding string, body []byte) ([]byte, error) {
	var r io.ReadCloser
	var err error
	switch coding {
	case "":
		return body, nil
	case "gzip":
		r, err = gzip.NewReader(bytes.NewReader(body))
	case "deflate":
		r, err = zlib.NewReader(bytes.NewReader(body))
	default:
		err = fmt.Errorf("the Content-Encoding %q is not one of the API", coding)
	}
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}
