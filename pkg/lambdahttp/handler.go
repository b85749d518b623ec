package lambdahttp

import (
	"context"
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
func New(h http.Handler, o Options) lambda.Handler {
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
	started := f.options.Now()
	x := exchange{next: f.next}
	err := x.decode(payload)

	requestID := x.requestID(ctx)
	attrs := identify(ctx, !f.warm.Swap(true), requestID)
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-f.options.Margin))
		defer cancel()
	}
	ctx = httpjson.WithCall(ctx, httpjson.Call{RequestID: requestID, Path: x.RequestContext.Path})
	ctx = httpjson.WithLogger(ctx, f.options.Logger, attrs...)
	ctx, meter := capacity.WithMeter(ctx)

	var response events.APIGatewayProxyResponse
	if err == nil {
		response, err = x.serve(ctx)
	}
	if err != nil {
		response = problem(err)
	}
	out, tooLarge := f.encode(&response, requestID)
	if tooLarge != nil {
		err = tooLarge
	}
	f.log(ctx, attrs, line{
		event: &x.event, status: response.StatusCode, bytes: len(response.Body),
		took: f.options.Now().Sub(started), consumed: meter.Total(), err: err,
	})
	return out, nil
}

// exchange is one event and its answer.
type exchange struct {
	event
	next   http.Handler
	writer writer
	err    error
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

// ServeHTTP is what the adapter calls.
func (x *exchange) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		if v := recover(); v != nil {
			x.err = panicked(v)
			// The adapter takes an answer without a status for a mistake,
			// and reports it on standard output.
			w.WriteHeader(http.StatusInternalServerError)
		}
	}()
	x.restore(r)
	x.writer = writer{to: w, head: r.Method == http.MethodHead}
	x.next.ServeHTTP(&x.writer, r)
	x.writer.finish()
}
