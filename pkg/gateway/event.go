package gateway

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"instances/pkg/template"
)

// Values in events that a local API has no equivalent for.
const (
	accountID    = "123456789012"
	apiID        = "local"
	deploymentID = "local"
)

// call is one request being served.
type call struct {
	request           *http.Request
	received          time.Time
	requestID         string
	extendedRequestID string
	traceID           string
	// fullPath is the path as the client sent it, and path the same without
	// the stage; both are percent-encoded.
	fullPath, path string
	resource       *resource
	parameters     parameters
}

func newCall(now time.Time, r *http.Request) *call {
	var b [23]byte
	// Read never fails: see [rand.Read].
	_, _ = rand.Read(b[:])
	return &call{
		request:           r,
		received:          now,
		requestID:         uuid.NewString(),
		extendedRequestID: base64.URLEncoding.EncodeToString(b[:11]),
		traceID:           fmt.Sprintf("Root=1-%08x-%x", uint32(now.Unix()), b[11:]),
		fullPath:          r.URL.EscapedPath(),
	}
}

// event is a request in payload format 1.0, without its last members: body and
// isBase64Encoded.
type event struct {
	Resource          string              `json:"resource"`
	Path              string              `json:"path"`
	HTTPMethod        string              `json:"httpMethod"`
	Headers           map[string]string   `json:"headers"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
	Query             map[string]string   `json:"queryStringParameters"`
	MultiValueQuery   map[string][]string `json:"multiValueQueryStringParameters"`
	PathParameters    parameters          `json:"pathParameters"`
	StageVariables    map[string]string   `json:"stageVariables"`
	RequestContext    requestContext      `json:"requestContext"`
}

type requestContext struct {
	ResourceID        string   `json:"resourceId"`
	ResourcePath      string   `json:"resourcePath"`
	HTTPMethod        string   `json:"httpMethod"`
	ExtendedRequestID string   `json:"extendedRequestId"`
	RequestTime       string   `json:"requestTime"`
	Path              string   `json:"path"`
	AccountID         string   `json:"accountId"`
	Protocol          string   `json:"protocol"`
	Stage             string   `json:"stage"`
	DomainPrefix      string   `json:"domainPrefix"`
	RequestTimeEpoch  int64    `json:"requestTimeEpoch"`
	RequestID         string   `json:"requestId"`
	Identity          identity `json:"identity"`
	DomainName        string   `json:"domainName"`
	DeploymentID      string   `json:"deploymentId"`
	APIID             string   `json:"apiId"`
}

// identity has only an address and a user agent, since the API authenticates
// nobody.
type identity struct {
	CognitoIdentityPoolID         *string `json:"cognitoIdentityPoolId"`
	AccountID                     *string `json:"accountId"`
	CognitoIdentityID             *string `json:"cognitoIdentityId"`
	Caller                        *string `json:"caller"`
	SourceIP                      string  `json:"sourceIp"`
	PrincipalOrgID                *string `json:"principalOrgId"`
	AccessKey                     *string `json:"accessKey"`
	CognitoAuthenticationType     *string `json:"cognitoAuthenticationType"`
	CognitoAuthenticationProvider *string `json:"cognitoAuthenticationProvider"`
	UserARN                       *string `json:"userArn"`
	UserAgent                     *string `json:"userAgent"`
	User                          *string `json:"user"`
}

// event returns the event of the call as JSON. Of the body, it has at most
// keptBytes. Errors are errTooLarge or come from reading the body.
func (c *call) event(api template.API, body io.Reader) ([]byte, error) {
	r := c.request
	domain, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		domain = r.Host
	}
	prefix, _, _ := strings.Cut(domain, ".")
	e := event{
		Resource:          c.resource.Path,
		Path:              c.path,
		HTTPMethod:        r.Method,
		Headers:           map[string]string{},
		MultiValueHeaders: c.headers(),
		MultiValueQuery:   query(r.URL.RawQuery),
		RequestContext: requestContext{
			ResourceID:        c.resource.id,
			ResourcePath:      c.resource.Path,
			HTTPMethod:        r.Method,
			ExtendedRequestID: c.extendedRequestID,
			RequestTime:       c.received.UTC().Format("02/Jan/2006:15:04:05 -0700"),
			Path:              c.fullPath,
			AccountID:         accountID,
			Protocol:          r.Proto,
			Stage:             api.Stage,
			DomainPrefix:      prefix,
			RequestTimeEpoch:  c.received.UnixMilli(),
			RequestID:         c.requestID,
			Identity:          identity{SourceIP: c.sourceIP()},
			DomainName:        domain,
			DeploymentID:      deploymentID,
			APIID:             apiID,
		},
	}
	for name, values := range e.MultiValueHeaders {
		e.Headers[name] = values[len(values)-1]
	}
	if e.MultiValueQuery != nil {
		e.Query = map[string]string{}
	}
	for name, values := range e.MultiValueQuery {
		e.Query[name] = values[len(values)-1]
	}
	if len(c.parameters) > 0 {
		e.PathParameters = c.parameters
	}
	if agents := r.Header.Values("User-Agent"); len(agents) > 0 {
		e.RequestContext.Identity.UserAgent = &agents[0]
	}
	// Strings, maps and slices of them cannot fail.
	data, _ := json.Marshal(e)
	data = append(data[:len(data)-1], `,"body":`...)
	if data, err = appendText(data, body); err != nil {
		return nil, err
	}
	data = append(data, `,"isBase64Encoded":false}`...)
	if len(data) > MaxEventBytes {
		return nil, errTooLarge
	}
	return data, nil
}

// errTooLarge says that the event would be larger than Lambda takes.
var errTooLarge = errors.New("the event is too large")

// appendText appends at most keptBytes of a text as JSON, or null if it is
// empty. Bytes that are not UTF-8 become U+FFFD.
func appendText(data []byte, text io.Reader) ([]byte, error) {
	// A piece at a time, so that the text is never there twice.
	in := bufio.NewReader(io.LimitReader(text, keptBytes))
	var quoted bytes.Buffer
	encoder := json.NewEncoder(&quoted)
	encoder.SetEscapeHTML(false)
	empty := true
	for {
		piece, err := in.Peek(in.Size())
		if len(piece) > 0 {
			if err == nil {
				piece = piece[:boundary(piece)]
			}
			quoted.Reset()
			// Encode cannot fail on a string. It ends the line.
			_ = encoder.Encode(string(piece))
			if empty {
				data = append(data, '"')
				empty = false
			}
			more := quoted.Bytes()[1 : quoted.Len()-2]
			if len(data)+len(more) > MaxEventBytes {
				return nil, errTooLarge
			}
			if len(data)+len(more) > cap(data) {
				// append would grow a large slice by a quarter only.
				data = slices.Grow(data, len(data)+len(more))
			}
			data = append(data, more...)
			_, _ = in.Discard(len(piece))
		}
		switch {
		case err == nil:
		case !errors.Is(err, io.EOF):
			return nil, err
		case empty:
			return append(data, "null"...), nil
		default:
			return append(data, '"'), nil
		}
	}
}

// boundary returns where a piece of text may end before its last bytes, which
// may be the start of a character.
func boundary(piece []byte) int {
	for i := len(piece) - 1; i >= len(piece)-utf8.UTFMax; i-- {
		if utf8.RuneStart(piece[i]) {
			return i
		}
	}
	return len(piece)
}

func (c *call) sourceIP() string {
	host, _, err := net.SplitHostPort(c.request.RemoteAddr)
	if err != nil {
		return c.request.RemoteAddr
	}
	return host
}

// reaches reports whether a request header is passed to the function. Captured
// events have no Content-Length, although AWS documents one.
func reaches(name string) bool {
	switch name {
	case "Connection", "Content-Length", "Content-Md5", "Expect", "Max-Forwards", "Proxy-Authenticate", "Server", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade", "Www-Authenticate":
		return false
	}
	return true
}

// headers returns the headers of the request and those that the gateway adds.
func (c *call) headers() map[string][]string {
	r := c.request
	all := map[string][]string{}
	for name, values := range r.Header {
		if len(values) > 0 && reaches(http.CanonicalHeaderKey(name)) {
			all[name] = values
		}
	}
	proto, port := "http", "80"
	if r.TLS != nil {
		proto, port = "https", "443"
	}
	if _, p, err := net.SplitHostPort(r.Host); err == nil {
		port = p
	}
	forwarded := append(slices.Clone(r.Header.Values("X-Forwarded-For")), c.sourceIP())
	all["Host"] = []string{r.Host}
	all["X-Forwarded-For"] = []string{strings.Join(forwarded, ", ")}
	all["X-Forwarded-Port"] = []string{port}
	all["X-Forwarded-Proto"] = []string{proto}
	if _, ok := all["X-Amzn-Trace-Id"]; !ok {
		all["X-Amzn-Trace-Id"] = []string{c.traceID}
	}
	return all
}

// query decodes a query string. It returns nil if there are no parameters. A
// semicolon separates like an ampersand, as AWS documents. All escapes are valid.
func query(raw string) map[string][]string {
	var all map[string][]string
	for pair := range strings.FieldsFuncSeq(raw, func(r rune) bool { return r == '&' || r == ';' }) {
		name, value, _ := strings.Cut(pair, "=")
		if all == nil {
			all = map[string][]string{}
		}
		name, _ = url.QueryUnescape(name)
		value, _ = url.QueryUnescape(value)
		all[name] = append(all[name], value)
	}
	return all
}
