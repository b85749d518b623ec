package contract

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Exchange is a request and its answer. All fields are required.
type Exchange struct {
	Method string
	URL    *url.URL
	// Header and Body are those of the request.
	Header http.Header
	Body   []byte
	Status int
	// AnswerHeader and Answer are those of the answer.
	AnswerHeader http.Header
	Answer       []byte
	// Cut says that the answer was not read to its end.
	Cut bool
}

// String says what was asked and answered.
func (x Exchange) String() string {
	return fmt.Sprintf("%s %.300s %.600q: %d %v %.600q", x.Method, x.URL.RequestURI(), x.Body, x.Status, x.AnswerHeader, x.Answer)
}

// Check returns an error that says how x differs from the document. An exchange
// that is about no path of the document is fine.
func (d *Document) Check(x Exchange) error {
	path := x.URL.EscapedPath()
	o, parameters, known := d.find(x.Method, path)
	if !known {
		// The path may start with the name of a stage.
		if _, rest, ok := strings.Cut(strings.TrimPrefix(path, "/"), "/"); ok {
			o, parameters, known = d.find(x.Method, "/"+rest)
		}
	}
	if !known {
		return nil
	}
	err := d.checkExchange(x, o, parameters)
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", d.name, err, x)
	}
	return nil
}

// checkExchange compares x with its operation, nil for a method that is not
// described.
func (d *Document) checkExchange(x Exchange, o *operation, parameters map[string]string) error {
	if o == nil {
		preflight := x.Method == http.MethodOptions && x.Status == http.StatusNoContent
		if !preflight && (x.Status < 400 || x.Status >= 500) {
			return errors.New("the document does not describe the method, but it was not refused")
		}
		return nil
	}
	request, invalid := d.checkRequest(x, o, parameters)
	switch {
	case invalid != nil && x.Status < 400:
		return fmt.Errorf("the request was accepted, but is not valid: %w", invalid)
	case invalid == nil && x.Status == http.StatusBadRequest && x.Method != http.MethodHead &&
		!request.unlisted && !d.mayRefuse(x.Answer):
		return errors.New("the request was refused, but is valid, and x-refusals have no such reason")
	}
	answer, err := d.checkAnswer(x, o)
	if err != nil {
		return fmt.Errorf("the answer is not as described: %w", err)
	}
	if x.Status < 400 || x.Status == http.StatusPreconditionFailed {
		d.coverage.add(request.seen...)
	}
	d.coverage.add(answer.seen...)
	return nil
}

// mayRefuse reports whether an answer names one of the reasons for which a
// request can be refused that is valid by its schema.
func (d *Document) mayRefuse(answer []byte) bool {
	reasons, _ := d.root["x-refusals"].([]any)
	for _, reason := range reasons {
		if text, ok := reason.(string); ok && strings.Contains(string(answer), text) {
			return true
		}
	}
	return false
}

// trace is what an exchange uses of the document.
type trace struct {
	seen []string
	// unlisted says that the query has parameters that the document does not list.
	unlisted bool
}

func (t *trace) add(n node) { t.seen = append(t.seen, n.at) }
