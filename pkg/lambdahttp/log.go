package lambdahttp

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"instances/pkg/httpjson"
)

// line is what is logged about an answer.
type line struct {
	status, bytes int
	// cut means that the answer broke off.
	cut bool
}

// identify returns the attributes that identify a request in every line about it,
// under the names used by Powertools.
func (x *exchange) identify(ctx context.Context, cold bool) []slog.Attr {
	// The line of the request itself appends to these.
	attrs := append(make([]slog.Attr, 0, 15), slog.Bool("cold_start", cold))
	if lc, ok := lambdacontext.FromContext(ctx); ok && lc.AwsRequestID != "" {
		attrs = append(attrs, slog.String("function_request_id", lc.AwsRequestID))
	}
	if id := traceID(ctx); id != "" {
		attrs = append(attrs, slog.String("xray_trace_id", id))
	}
	if x.requestID != "" {
		attrs = append(attrs, slog.String("correlation_id", x.requestID))
	}
	if id := x.clientID(); id != "" {
		attrs = append(attrs, slog.String("client_request_id", id))
	}
	return attrs
}

// clientID returns the client's own id of the request, or an empty text.
func (e *event) clientID() string {
	for _, h := range e.headers {
		if strings.EqualFold(h.name, "X-Request-Id") && len(h.values) > 0 {
			return httpjson.ClientID(h.values[0])
		}
	}
	return ""
}

// traceID returns the root of the trace in ctx, which the runtime sets, such as
// Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1.
func traceID(ctx context.Context) string {
	header, _ := ctx.Value("x-amzn-trace-id").(string)
	for part := range strings.SplitSeq(header, ";") {
		if root, ok := strings.CutPrefix(strings.TrimSpace(part), "Root="); ok {
			return root
		}
	}
	return ""
}

// log writes the line of a request, as an error if the server is at fault. Of
// what the client sent, only the route, the method and its own request id are
// logged.
func (f *function) log(ctx context.Context, x *exchange, l line) {
	level := slog.LevelInfo
	// A reader that left is not a fault.
	if l.status >= http.StatusInternalServerError || l.cut && !errors.Is(ctx.Err(), context.Canceled) {
		level = slog.LevelError
	}
	if !f.options.Logger.Enabled(ctx, level) {
		return
	}
	consumed := x.meter.Total()
	attrs := x.attrs
	attrs = append(attrs,
		slog.String("method", x.HTTPMethod),
		slog.String("route", x.Resource),
		slog.Int("status", l.status),
		slog.Float64("duration_ms", float64(f.options.Now().Sub(x.started).Microseconds())/1000),
		slog.Float64("read_units", consumed.ReadUnits),
		slog.Float64("write_units", consumed.WriteUnits),
		slog.Int("db_calls", consumed.Calls),
		slog.Int("response_bytes", l.bytes),
	)
	if l.cut {
		attrs = append(attrs, slog.Bool("cut_off", true))
	}
	if x.err != nil {
		attrs = append(attrs, slog.String("error", x.err.Error()))
		var failed *faultError
		if errors.As(x.err, &failed) && failed.stack != nil {
			attrs = append(attrs, slog.String("stack_trace", string(failed.stack)))
		}
	}
	f.options.Logger.LogAttrs(ctx, level, "request", attrs...)
}
