package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"instances/pkg/httpjson"
	"instances/pkg/template"
)

// The limits of API Gateway and Lambda.
const (
	// MaxHeaderBytes is the size of the largest request header, including the
	// request line.
	MaxHeaderBytes = 10_240
	// MaxEventBytes is the size of the largest event, and of the largest answer
	// of a function, both as JSON.
	MaxEventBytes = 6 << 20
	// MaxWait is the maximum time that the gateway waits for a buffered answer.
	MaxWait = 29 * time.Second
	// MaxIdle is the maximum time between two parts of a stream.
	MaxIdle = 5 * time.Minute
	// MaxPreludeBytes is the size of the largest prelude of a stream: status,
	// headers and delimiter.
	MaxPreludeBytes = 16 << 10
)

// Invoker runs functions.
type Invoker interface {
	// Invoke passes an event to the named function, such as topology-get, and
	// returns its answer. A non-nil error means that the function failed, not
	// that it answered with an error status. The context ends when the
	// function's time is up. Invoke is called concurrently.
	Invoke(ctx context.Context, function string, event []byte) ([]byte, error)
	// Stream is like Invoke, for integrations that stream. It returns the
	// answer while the function writes it: a JSON object with the status and
	// the headers, [Delimiter], and the body. Reading fails with an error other
	// than [io.EOF] if the function fails before the end. The caller closes the
	// answer; that, or the end of the context, ends the invocation, and reading
	// then fails. Close may be called concurrently with Read.
	Stream(ctx context.Context, function string, event []byte) (io.ReadCloser, error)
}

// Options configure a gateway. The zero value is usable.
type Options struct {
	// Now is the clock of the events; nil means [time.Now].
	Now func() time.Time
	// Logger receives the reason when the gateway answers for a function that
	// failed; nil discards it.
	Logger *slog.Logger
	// StageInPath makes paths start with the name of the stage, as at the
	// default address of an API. Without it they do not, as with a custom
	// domain.
	StageInPath bool
}

// New returns the API of the template.
func New(t *template.Template, invoker Invoker, o Options) (http.Handler, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	routes, err := newRoutes(t.API.Resources)
	if err != nil {
		return nil, err
	}
	g := &gateway{api: t.API, functions: map[string]template.Function{}, routes: routes, invoker: invoker, bodies: newBodies(), o: o}
	for _, f := range t.Functions {
		g.functions[f.LogicalID] = f
	}
	for _, r := range t.API.Resources {
		for _, m := range r.Methods {
			if _, ok := g.functions[m.Function]; !ok && m.Mock == nil {
				return nil, fmt.Errorf("%s: there is no function %q", r.Path, m.Function)
			}
		}
	}
	return g, nil
}

type gateway struct {
	api       template.API
	functions map[string]template.Function // by logical id
	routes    *segment
	invoker   Invoker
	bodies    *bodies
	o         Options
}

// ServeHTTP answers one request.
func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := newCall(g.o.Now(), r)
	w.Header().Set("X-Amzn-RequestId", c.requestID)
	w.Header().Set("X-Amz-Apigw-Id", c.extendedRequestID)

	if headerBytes(r) > MaxHeaderBytes {
		headerTooLarge(w, c)
		return
	}
	if _, err := url.QueryUnescape(r.URL.RawQuery); err != nil {
		g.refuse(w, c, badRequest())
		return
	}
	path, ok := g.withoutStage(c.fullPath)
	if !ok {
		g.refuse(w, c, unknownPath())
		return
	}
	c.path = path
	resource, parameters := g.routes.find(path)
	if resource == nil {
		g.refuse(w, c, unknownPath())
		return
	}
	c.resource, c.parameters = resource, parameters
	method, ok := resource.Methods[r.Method]
	if !ok {
		method, ok = resource.Methods[template.AnyMethod]
	}
	if !ok {
		g.refuse(w, c, unknownPath())
		return
	}

	sent, done, err := g.bodies.receive(w, r)
	if err != nil {
		g.refuse(w, c, unreadable(err))
		return
	}
	body, err := g.decoded(r.Header, sent)
	if err != nil {
		done()
		g.refuse(w, c, badMediaType())
		return
	}
	if method.Stream != 0 {
		done()
		g.stream(w, c, method)
		return
	}
	defer done()
	if method.Mock != nil {
		g.mock(w, c, method.Mock)
		return
	}
	g.proxy(w, c, g.functions[method.Function], body)
}

// unreadable returns the refusal of a body that was not received.
func unreadable(err error) refusal {
	if errors.Is(err, errBusy) {
		return busy()
	}
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		return requestTooLarge()
	}
	return badRequest()
}

// headerBytes returns the size of a request's header as it was sent.
func headerBytes(r *http.Request) int {
	n := len(r.Method) + len(r.URL.RequestURI()) + len(r.Proto) + len("  \r\n") + len("Host: \r\n") + len(r.Host)
	for name, values := range r.Header {
		for _, v := range values {
			n += len(name) + len(": \r\n") + len(v)
		}
	}
	return n
}

// withoutStage removes the stage from a path, if paths have one.
func (g *gateway) withoutStage(path string) (string, bool) {
	if !strings.HasPrefix(path, "/") {
		return "", false
	}
	if !g.o.StageInPath {
		return path, true
	}
	rest, ok := strings.CutPrefix(path, "/"+g.api.Stage)
	if rest == "" {
		rest = "/"
	}
	return rest, ok && rest[0] == '/'
}

// proxy has a function answer.
func (g *gateway) proxy(w http.ResponseWriter, c *call, f template.Function, body io.Reader) {
	event, err := c.event(g.api, body)
	if errors.Is(err, errTooLarge) {
		g.refuse(w, c, requestTooLarge())
		return
	}
	if err != nil {
		g.refuse(w, c, badMediaType())
		return
	}
	out, err := g.invoke(c.request.Context(), f, event)
	var a answer
	if err == nil {
		a, err = decodeAnswer(out)
	}
	if err != nil {
		g.failed(w, c, f, err)
		return
	}
	a.setHeaders(w.Header())
	g.send(w, c.request, a.StatusCode, a.Body)
}

// failed answers for a function that failed or took too long.
func (g *gateway) failed(w http.ResponseWriter, c *call, f template.Function, err error) {
	g.log(c, f, "invocation failed", err)
	if errors.Is(err, errTimeout) {
		g.refuse(w, c, timedOut())
		return
	}
	g.refuse(w, c, functionFailed())
}

// errTimeout means that the gateway gave up before the function's time was up.
var errTimeout = errors.New("no answer within the gateway's time limit")

// invoke runs a function, which continues if the client disconnects. A function
// that uses up its own time has failed: API Gateway answers 502, and 504 only if
// it stops waiting first.
func (g *gateway) invoke(ctx context.Context, f template.Function, event []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), min(f.Timeout, MaxWait))
	defer cancel()
	type result struct {
		out []byte
		err error
	}
	// Buffered, so that a function that answers too late can end.
	done := make(chan result, 1)
	go func() {
		r := result{err: errors.New("the function ended without an answer")}
		defer func() {
			if v := recover(); v != nil {
				r.err = fmt.Errorf("the function panicked: %v", v)
			}
			done <- r
		}()
		out, err := g.invoker.Invoke(ctx, f.Name, event)
		r = result{out, err}
	}()
	var r result
	select {
	case r = <-done:
	case <-ctx.Done():
		r.err = fmt.Errorf("no answer within the function's %s", f.Timeout)
	}
	if r.err != nil && ctx.Err() != nil && f.Timeout > MaxWait {
		return nil, errTimeout
	}
	return r.out, r.err
}

func (g *gateway) log(c *call, f template.Function, message string, err error) {
	attrs := []any{"function", f.Name, "request_id", c.requestID}
	if id := httpjson.ClientID(c.request.Header.Get("X-Request-Id")); id != "" {
		attrs = append(attrs, "client_request_id", id)
	}
	g.o.Logger.ErrorContext(c.request.Context(), message, append(attrs, "error", err)...)
}
