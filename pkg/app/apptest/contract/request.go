package contract

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// checkRequest returns what the request uses of the document, and why it is
// not valid. A document cannot rule out query parameters that it does not list:
// they are neither.
func (d *Document) checkRequest(x Exchange, o *operation, inPath map[string]string) (*trace, error) {
	t := &trace{}
	t.add(o.node)
	if err := d.checkCredentials(x, o); err != nil {
		return t, err
	}
	query, err := queryOf(x.URL)
	if err != nil {
		return t, err
	}
	for _, p := range o.parameters {
		var values []string
		name := p.text("name")
		switch p.text("in") {
		case "path":
			value, err := url.PathUnescape(inPath[name])
			if err != nil {
				return t, err
			}
			values = []string{value}
		case "query":
			// Their names are not case sensitive.
			for sent, list := range query {
				if strings.EqualFold(sent, name) {
					values = append(values, list...)
					delete(query, sent)
				}
			}
		case "header":
			values = x.Header.Values(name)
		}
		if err := d.checkParameter(t, p, values); err != nil {
			return t, fmt.Errorf("%s parameter %s: %w", p.text("in"), name, err)
		}
	}
	t.unlisted = len(query) > 0
	return t, d.checkBody(t, x, d.follow(o.node.child("requestBody")))
}

// checkCredentials asks for credentials where the operation needs some. Whether
// they are right is the API's to say.
func (d *Document) checkCredentials(x Exchange, o *operation) error {
	security, own := o.node.object["security"].([]any)
	if !own {
		security, _ = d.root["security"].([]any)
	}
	if len(security) > 0 && len(x.Header.Values("Authorization")) != 1 {
		return errors.New("one Authorization header is required")
	}
	return nil
}

// queryOf returns the query parameters.
func queryOf(u *url.URL) (url.Values, error) {
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, err
	}
	for name, list := range values {
		if hasReplacement(name) || slices.ContainsFunc(list, func(s string) bool { return hasReplacement(s) }) {
			return nil, errors.New("the query is not Unicode")
		}
	}
	return values, nil
}

// checkParameter validates what was given for a parameter.
func (d *Document) checkParameter(t *trace, p node, values []string) error {
	schema := p.child("schema")
	switch {
	case len(values) == 0 && p.yes("required"):
		return errors.New("is missing")
	case len(values) == 0:
		return nil
	case len(values) > 1:
		return errors.New("is given more than once")
	case values[0] == "" && p.yes("allowEmptyValue"):
		return nil
	}
	if err := d.check(schema, d.parse(schema, values[0])); err != nil {
		return err
	}
	t.add(p)
	return nil
}

// parse returns the value of a parameter or a header for its schema: a number
// where that asks for one and the text is one.
func (d *Document) parse(schema node, text string) any {
	digits := strings.TrimLeft(text, "0")
	if kind := d.follow(schema).text("type"); (kind == "integer" || kind == "number") && text != "" && strings.Trim(digits, "0123456789.") == "" {
		if digits == "" || digits[0] == '.' {
			digits = "0" + digits
		}
		if v, err := jsonschema.UnmarshalJSON(strings.NewReader(digits)); err == nil {
			return v
		}
	}
	return text
}

// checkBody validates the body of a request.
func (d *Document) checkBody(t *trace, x Exchange, described node) error {
	if !described.there() {
		// It is ignored.
		return nil
	}
	if len(x.Body) == 0 {
		if described.yes("required") {
			return errors.New("the body is missing")
		}
		return nil
	}
	mediaType, err := mediaTypeOf(x)
	if err != nil {
		return err
	}
	content := described.child("content").child(mediaType)
	if !content.there() {
		return fmt.Errorf("a body of type %q is not described", mediaType)
	}
	var value any
	if mediaType == formType {
		value, err = decodeForm(x.Body)
	} else {
		value, err = decodeText(x.Body)
	}
	if err != nil {
		return fmt.Errorf("the body: %w", err)
	}
	if err := d.check(content.child("schema"), value); err != nil {
		return fmt.Errorf("the body: %w", err)
	}
	d.trace(t, content, value)
	return nil
}

const (
	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
)

// mediaTypeOf returns the type that a request's body counts as: a body that
// starts like an object is JSON whatever type it claims, and so is one that
// claims none, or one of the types of JSON.
func mediaTypeOf(x Exchange) (string, error) {
	claimed := x.Header.Get("Content-Type")
	if body := bytes.TrimLeft(x.Body, "\ufeff \t\r\n"); claimed == "" || bytes.HasPrefix(body, []byte("{")) {
		return jsonType, nil
	}
	mediaType, _, err := mime.ParseMediaType(claimed)
	if err != nil {
		return "", fmt.Errorf("the Content-Type: %w", err)
	}
	if strings.HasSuffix(mediaType, "+json") {
		return jsonType, nil
	}
	return mediaType, nil
}

// decodeText decodes the JSON value of a request, which must be Unicode text:
// U+FFFD stands for what is not, unless it is escaped.
func decodeText(body []byte) (any, error) {
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	if !utf8.Valid(body) {
		return nil, errors.New("not UTF-8")
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil || !hasReplacement(value) {
		return value, err
	}
	body = regexp.MustCompile(`(?i)\\ufffd`).ReplaceAllLiteral(body, []byte(`\ufffc`))
	if other, err := jsonschema.UnmarshalJSON(bytes.NewReader(body)); err != nil || hasReplacement(other) {
		return nil, errors.New("not Unicode")
	}
	return value, nil
}

// hasReplacement reports whether a text of the value has U+FFFD, which a decoder
// puts in place of half a surrogate pair.
func hasReplacement(value any) bool {
	switch value := value.(type) {
	case string:
		return strings.ContainsRune(value, utf8.RuneError)
	case []any:
		return slices.ContainsFunc(value, hasReplacement)
	case map[string]any:
		for name, v := range value {
			if hasReplacement(name) || hasReplacement(v) {
				return true
			}
		}
	}
	return false
}

// decodeForm decodes a form. If a field is repeated, the last value counts.
func decodeForm(body []byte) (any, error) {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	object := map[string]any{}
	for name, list := range values {
		last := list[len(list)-1]
		object[name] = last
		if hasReplacement(name) || slices.ContainsFunc(list, func(s string) bool { return hasReplacement(s) }) {
			return nil, errors.New("not Unicode")
		}
	}
	return object, nil
}
