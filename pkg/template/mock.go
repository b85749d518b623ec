package template

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Mock is an answer that API Gateway gives without a function. It is fixed,
// except for variables.
type Mock struct {
	Status int
	// Headers are fixed values, or [RequestIDVariable].
	Headers map[string]string
	// Body may contain $context.httpMethod, the method of the request.
	Body string
	// ContentTypes are the media types of requests that get this answer, in
	// alphabetical order. A request without a type counts as
	// application/json, one of another type is refused with
	// UNSUPPORTED_MEDIA_TYPE.
	ContentTypes []string
}

// methodVariable may occur in a body. It needs no escaping: API Gateway knows
// seven methods, all in capitals.
const methodVariable = "$context.httpMethod"

// chosen is the template of a request that chooses the only answer of a mock.
const chosen = `{"statusCode": 200}`

// mock reads the method n with its mock integration. It understands nothing of
// the template language except that variable. Methods that are aliases of one
// another are read once.
func (d *document) mock(n node) *Mock {
	m, ok := d.mocks[n.content()]
	if !ok {
		m = mock(n)
		d.mocks[n.content()] = m
	}
	return m
}

func mock(n node) *Mock {
	integration := n.at("x-amazon-apigateway-integration")
	integration.allow("type", "passthroughBehavior", "requestTemplates", "responses")
	if kind := integration.at("type"); kind.text() != "mock" {
		kind.fail("must be mock: the events of functions make the other integrations")
	}
	if behaviour := integration.at("passthroughBehavior"); behaviour.text() != "never" {
		behaviour.fail("must be never, or a body of an unlisted type breaks the mock")
	}
	m := &Mock{Headers: map[string]string{}}
	types := map[string]bool{}
	for _, t := range integration.at("requestTemplates").entries() {
		types[t.key] = true
		if t.value.text() != chosen {
			t.value.fail("must be %s", chosen)
		}
	}
	if m.ContentTypes = slices.Sorted(maps.Keys(types)); !types["application/json"] {
		integration.at("requestTemplates").fail("lack application/json, which stands for no type at all")
	}

	integration.at("responses").allow("default")
	response := integration.at("responses").at("default")
	response.allow("statusCode", "responseParameters", "responseTemplates")
	m.Status = response.at("statusCode").number()
	declared := n.at("responses").at(strconv.Itoa(m.Status))
	if !declared.there() {
		n.at("responses").fail("lack %d, which the integration answers", m.Status)
	}
	declared.allow("description", "headers")
	for _, p := range response.at("responseParameters").entries() {
		name, ok := strings.CutPrefix(p.key, "method.response.header.")
		if !ok {
			p.value.fail("is not understood")
		}
		if !declared.at("headers").at(name).there() {
			p.value.fail("is not among the headers of response %d", m.Status)
		}
		m.Headers[name] = p.value.header()
	}
	m.Body = body(response.at("responseTemplates"), m.Headers)
	if strings.Contains(m.Body, "#") ||
		slices.ContainsFunc(contextVariable.FindAllString(m.Body, -1), func(v string) bool { return v != methodVariable }) {
		response.at("responseTemplates").fail("hold a variable or a directive, which is not understood")
	}
	return m
}

// RequestIDVariable is the value of a header that carries the id of the
// request.
const RequestIDVariable = "context.requestId"

// header returns the value of a mapped header: a fixed one, in the single
// quotes that API Gateway requires, or [RequestIDVariable].
func (n node) header() string {
	text := n.text()
	if text == RequestIDVariable {
		return text
	}
	value, ok := strings.CutPrefix(text, "'")
	value, ok2 := strings.CutSuffix(value, "'")
	if !ok || !ok2 || value == RequestIDVariable {
		n.fail("is %s, neither a fixed value in single quotes nor %s", text, RequestIDVariable)
	}
	return value
}

// body returns the only template of an answer. Its type becomes the
// Content-Type unless the headers set one.
func body(templates node, headers map[string]string) string {
	text := ""
	for i, t := range templates.entries() {
		if i > 0 {
			t.value.fail("is a second type of answer, which is not understood")
		}
		text = t.value.text()
		if headers["Content-Type"] == "" {
			headers["Content-Type"] = t.key
		}
	}
	return text
}
