package lambdahttp

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/awslabs/aws-lambda-go-api-proxy/core"
	"github.com/awslabs/aws-lambda-go-api-proxy/httpadapter"

	"instances/pkg/httpjson"
	"instances/pkg/repository/capacity"
)

// DefaultMargin is the time reserved for the answer when a request reaches the
// deadline of its invocation.
const DefaultMargin = 500 * time.Millisecond

// MaxAnswerBytes is the size of the largest answer that Lambda passes on, measured
// as the JSON that the function returns.
const MaxAnswerBytes = 6 << 20

// Options configure [New]. The zero value is usable.
type Options struct {
	// Logger gets one line per request. Nil logs nothing.
	Logger *slog.Logger
	// Now is the clock of the logged durations; nil means [time.Now].
	Now func() time.Time
	// Margin is how long before the deadline of the invocation the context
	// of the request ends; 0 means [DefaultMargin].
	Margin time.Duration
	// Header is set on every answer, including those not given by the
	// handler. A header set by the handler takes precedence, except that Vary
	// is added to the handler's. Names are in canonical form.
	Header http.Header
}

// New returns a function that answers events with h. The function is safe for
// concurrent use if h is. It never returns an error: an event that is not a
// request of a REST API is answered with 500 and logged.
func New(h http.Handler, o Options) lambda.Handler { return newFunction(h, o) }

func newFunction(h http.Handler, o Options) *function {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Margin == 0 {
		o.Margin = DefaultMargin
	}
	// The adapter reads this variable for each request, and fails if it is not
	// a URL. Unsetenv fails only on an invalid name.
	_ = os.Unsetenv(core.CustomHostVariable)
	return &function{next: h, options: o}
}

// function is the state shared by invocations.
type function struct {
	next    http.Handler
	options Options
	warm    atomic.Bool
}

// Invoke answers one event.
func (f *function) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	x, ctx, cancel := f.begin(ctx, payload)
	defer cancel()
	var response events.APIGatewayProxyResponse
	if x.err == nil {
		response, x.err = x.serve(ctx)
	}
	if x.err != nil {
		response = problem(x.err)
	}
	out, tooLarge := f.encode(&response, x.requestID)
	if tooLarge != nil {
		x.err = tooLarge
	}
	f.log(ctx, x, line{status: response.StatusCode, bytes: len(response.Body)})
	return out, nil
}

// exchange is one event and its answer.
type exchange struct {
	event
	next      http.Handler
	writer    writer
	started   time.Time
	requestID string
	// attrs identify the request in the log.
	attrs []slog.Attr
	meter *capacity.Meter
	// err is the reason that the handler gave no answer, or not all of it.
	err error
}

// begin decodes an event, and returns the context of its request.
func (f *function) begin(ctx context.Context, payload []byte) (*exchange, context.Context, context.CancelFunc) {
	x := &exchange{next: f.next, started: f.options.Now()}
	x.err = x.decode(payload)
	x.requestID = x.id(ctx)
	x.attrs = x.identify(ctx, !f.warm.Swap(true))
	cancel := func() {}
	if deadline, ok := ctx.Deadline(); ok {
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-f.options.Margin))
	}
	ctx = httpjson.WithCall(ctx, httpjson.Call{RequestID: x.requestID, Path: x.RequestContext.Path})
	ctx = httpjson.WithLogger(ctx, f.options.Logger, x.attrs...)
	ctx, x.meter = capacity.WithMeter(ctx)
	return x, ctx, cancel
}

// serve passes the request through the adapter to the handler. Its error is a
// *faultError.
func (x *exchange) serve(ctx context.Context) (events.APIGatewayProxyResponse, error) {
	response, err := httpadapter.New(x).ProxyWithContext(ctx, x.bare())
	if x.err != nil {
		return response, x.err
	}
	if err != nil {
		return response, internal(err)
	}
	return response, nil
}

// ServeHTTP passes the request to the handler. It is what the adapter calls.
func (x *exchange) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		if v := recover(); v != nil {
			x.err = panicked(v)
			if p, ok := w.(*pipe); ok && p.started && errors.Is(x.err, http.ErrAbortHandler) {
				// The handler has logged why.
				x.err = errCut
			}
			// The adapter takes an answer without a status for a mistake,
			// and reports it on standard output.
			w.WriteHeader(http.StatusInternalServerError)
		}
	}()
	x.restore(r)
	x.writer = writer{to: w, head: r.Method == http.MethodHead}
	if p, ok := w.(*pipe); ok {
		x.next.ServeHTTP(flushWriter{&x.writer, p}, r)
	} else {
		x.next.ServeHTTP(&x.writer, r)
	}
	x.writer.finish()
}
