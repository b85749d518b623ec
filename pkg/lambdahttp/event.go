package lambdahttp

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// event is the part of an [events.APIGatewayProxyRequest] that is used.
type event struct {
	Resource                        string `json:"resource"`
	Path                            string `json:"path"`
	HTTPMethod                      string `json:"httpMethod"`
	Headers                         object `json:"headers"`
	MultiValueHeaders               object `json:"multiValueHeaders"`
	QueryStringParameters           object `json:"queryStringParameters"`
	MultiValueQueryStringParameters object `json:"multiValueQueryStringParameters"`
	PathParameters                  object `json:"pathParameters"`
	RequestContext                  struct {
		RequestID  string `json:"requestId"`
		Path       string `json:"path"`
		DomainName string `json:"domainName"`
		Identity   struct {
			SourceIP string `json:"sourceIp"`
		} `json:"identity"`
	} `json:"requestContext"`
	Body            string `json:"body"`
	IsBase64Encoded bool   `json:"isBase64Encoded"`

	// The members of the objects.
	headers, query, pathValues []member
}

// decode reads an event. Its error is a *faultError.
func (e *event) decode(payload []byte) error {
	if err := json.Unmarshal(payload, e); err != nil {
		return noEvent(err)
	}
	if e.HTTPMethod == "" || e.Path == "" {
		return noEvent(errors.New("httpMethod or path is missing"))
	}
	if err := e.decodeObjects(); err != nil {
		return noEvent(err)
	}
	if !e.IsBase64Encoded {
		return nil
	}
	body, err := base64.StdEncoding.DecodeString(e.Body)
	if err != nil {
		return &faultError{status: http.StatusBadRequest, detail: "The body of the request is not valid base64.", cause: err}
	}
	e.Body = string(body)
	return nil
}

// decodeObjects reads the objects. Those of single values are read only if the
// others are missing.
func (e *event) decodeObjects() error {
	for _, o := range [...]struct {
		name          string
		multi, single object
		to            *[]member
	}{
		{"headers", e.MultiValueHeaders, e.Headers, &e.headers},
		{"queryStringParameters", e.MultiValueQueryStringParameters, e.QueryStringParameters, &e.query},
		{"pathParameters", e.PathParameters, "", &e.pathValues},
	} {
		members, err := o.multi.members()
		if err == nil && len(members) == 0 {
			members, err = o.single.members()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", o.name, err)
		}
		*o.to = members
	}
	return nil
}

// id returns the ID that the gateway gave to the request, or else that of
// the invocation.
func (e *event) id(ctx context.Context) string {
	if e.RequestContext.RequestID != "" {
		return e.RequestContext.RequestID
	}
	if lc, ok := lambdacontext.FromContext(ctx); ok {
		return lc.AwsRequestID
	}
	return ""
}

// bare returns the event for the adapter, with only what it handles correctly.
func (e *event) bare() events.APIGatewayProxyRequest {
	bare := events.APIGatewayProxyRequest{HTTPMethod: http.MethodGet, Path: "/", Body: e.Body}
	bare.RequestContext.Identity.SourceIP = e.RequestContext.Identity.SourceIP
	return bare
}

// restore sets on r what the bare event lacks.
func (e *event) restore(r *http.Request) {
	r.Method = e.HTTPMethod
	r.URL = e.url()
	r.RequestURI = r.URL.RequestURI()
	r.Header = e.header()
	r.Host = e.RequestContext.DomainName
	if host := r.Header.Get("Host"); host != "" {
		r.Host = host
	}
	// As net/http does.
	delete(r.Header, "Host")
	for _, p := range e.pathValues {
		for _, value := range p.values {
			decoded, err := url.PathUnescape(value)
			if err != nil {
				// The handler will find nothing of that name.
				decoded = value
			}
			r.SetPathValue(p.name, decoded)
		}
	}
}

// url returns the URL with the path as it was sent. The gateway decodes the
// query, so it is encoded again, with names sorted and values in their order.
func (e *event) url() *url.URL {
	u := &url.URL{Path: e.Path}
	if !strings.HasPrefix(u.Path, "/") {
		u.Path = "/" + u.Path
	}
	if decoded, err := url.PathUnescape(u.Path); err == nil && decoded != u.Path {
		u.Path, u.RawPath = decoded, u.Path
	}
	if len(e.query) == 0 {
		return u
	}
	query := make(url.Values, len(e.query))
	for _, q := range e.query {
		if len(q.values) == 0 {
			// Encode would lose the name.
			q.values = []string{""}
		}
		query[q.name] = append(query[q.name], q.values...)
	}
	u.RawQuery = query.Encode()
	return u
}

// header returns the headers of the event, with values not split. Names that
// differ only in case are one header. Headers that other users of the adapter
// trust are dropped.
func (e *event) header() http.Header {
	const trusted = "X-Golambdaproxy-"
	h := make(http.Header, len(e.headers))
	for _, m := range e.headers {
		name := http.CanonicalHeaderKey(m.name)
		if len(m.values) == 0 || len(name) >= len(trusted) && strings.EqualFold(name[:len(trusted)], trusted) {
			continue
		}
		if had, ok := h[name]; ok {
			m.values = append(had, m.values...)
		}
		h[name] = m.values
	}
	return h
}
