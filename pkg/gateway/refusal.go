package gateway

import (
	"encoding/json"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"instances/pkg/template"
)

// refusal is an answer that API Gateway gives instead of a function. The
// template may replace its status and message.
type refusal struct {
	kind    string
	status  int
	message string
}

func badRequest() refusal {
	return refusal{"DEFAULT_4XX", http.StatusBadRequest, "Bad Request"}
}

func unknownPath() refusal {
	return refusal{"MISSING_AUTHENTICATION_TOKEN", http.StatusForbidden, "Missing Authentication Token"}
}

// headerTooLarge answers as the server in front of all APIs does, which no
// template configures.
func headerTooLarge(w http.ResponseWriter, c *call) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Request-Id", c.requestID)
	send(w, http.StatusRequestHeaderFieldsTooLarge, `{"message":"Request Header Fields Too Large"}`)
}

func requestTooLarge() refusal {
	return refusal{"REQUEST_TOO_LARGE", http.StatusRequestEntityTooLarge, "Request Too Long"}
}

func badMediaType() refusal {
	return refusal{"UNSUPPORTED_MEDIA_TYPE", http.StatusUnsupportedMediaType, "Unsupported Media Type"}
}

// busy refuses a body that there is no room for. AWS has no such refusal.
func busy() refusal {
	return refusal{"DEFAULT_5XX", http.StatusServiceUnavailable, "Service Unavailable"}
}

func functionFailed() refusal {
	return refusal{"DEFAULT_5XX", http.StatusBadGateway, "Internal server error"}
}

func timedOut() refusal {
	return refusal{"INTEGRATION_TIMEOUT", http.StatusGatewayTimeout, "Endpoint request timed out"}
}

// refuse answers with the template's gateway response for that kind of refusal,
// or its default one, or else API Gateway's own. A refusal of status 503 asks for
// a retry after a second and closes the connection, since more of a body may come.
func (g *gateway) refuse(w http.ResponseWriter, c *call, r refusal) {
	words, ok := g.api.GatewayResponses[r.kind]
	if !ok && r.status < http.StatusInternalServerError {
		words, ok = g.api.GatewayResponses["DEFAULT_4XX"]
	} else if !ok {
		words, ok = g.api.GatewayResponses["DEFAULT_5XX"]
	}
	if !ok || words.Body == "" {
		words.Body = `{"message":$context.error.messageString}`
	}
	w.Header().Set("Content-Type", "application/json")
	c.setHeaders(w.Header(), words.Headers)
	if r.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
		w.Header().Set("Connection", "close")
	}
	status := r.status
	if words.Status != 0 {
		status = words.Status
	}
	// Marshal cannot fail on a string.
	quoted, _ := json.Marshal(r.message)
	send(w, status, contextVariable.ReplaceAllStringFunc(words.Body, func(v string) string {
		switch v {
		case "$context.error.message":
			return r.message
		case "$context.error.messageString":
			return string(quoted)
		case "$context.error.responseType":
			return r.kind
		case "$context.requestId":
			return c.requestID
		}
		return v
	}))
}

var contextVariable = regexp.MustCompile(`\$context[A-Za-z.]*`)

// mock answers as the template says, if the mock accepts the media type of the
// request.
func (g *gateway) mock(w http.ResponseWriter, c *call, m *template.Mock) {
	mediaType := "application/json"
	if sent := c.request.Header.Get("Content-Type"); sent != "" {
		var err error
		if mediaType, _, err = mime.ParseMediaType(sent); err != nil && mediaType == "" {
			mediaType = sent
		}
	}
	if !slices.Contains(m.ContentTypes, mediaType) {
		g.refuse(w, c, badMediaType())
		return
	}
	c.setHeaders(w.Header(), m.Headers)
	g.send(w, c.request, m.Status, strings.ReplaceAll(m.Body, "$context.httpMethod", c.request.Method))
}

// setHeaders sets the headers of an answer of the template.
func (c *call) setHeaders(h http.Header, values map[string]string) {
	for name, value := range values {
		if value == template.RequestIDVariable {
			value = c.requestID
		}
		h.Set(name, value)
	}
}
