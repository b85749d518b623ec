package lambdahttp

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"instances/pkg/repository/capacity"
)

// line is what is logged about a request, besides what identifies it. Of what the
// client sent, only the route and the method are logged.
type line struct {
	event    *event
	status   int
	bytes    int
	took     time.Duration
	consumed capacity.Consumed
	err      error
}

// identify returns the attributes that identify a request in every line about it,
// under the names used by Powertools.
func identify(ctx context.Context, cold bool, requestID string) []slog.Attr {
	// The line of the request itself appends to these.
	attrs := append(make([]slog.Attr, 0, 14), slog.Bool("cold_start", cold))
	if lc, ok := lambdacontext.FromContext(ctx); ok && lc.AwsRequestID != "" {
		attrs = append(attrs, slog.String("function_request_id", lc.AwsRequestID))
	}
	if id := traceID(ctx); id != "" {
		attrs = append(attrs, slog.String("xray_trace_id", id))
	}
	if requestID != "" {
		attrs = append(attrs, slog.String("correlation_id", requestID))
	}
	return attrs
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

// log writes the line of a request, as an error if the server is at fault.
func (f *function) log(ctx context.Context, attrs []slog.Attr, l line) {
	level := slog.LevelInfo
	if l.status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	if !f.options.Logger.Enabled(ctx, level) {
		return
	}
	attrs = append(attrs,
		slog.String("method", l.event.HTTPMethod),
		slog.String("route", l.event.Resource),
		slog.Int("status", l.status),
		slog.Float64("duration_ms", float64(l.took.Microseconds())/1000),
		slog.Float64("read_units", l.consumed.ReadUnits),
		slog.Float64("write_units", l.consumed.WriteUnits),
		slog.Int("db_calls", l.consumed.Calls),
		slog.Int("response_bytes", l.bytes),
	)
	if l.err != nil {
		attrs = append(attrs, slog.String("error", l.err.Error()))
		var failed *faultError
		if errors.As(l.err, &failed) && failed.stack != nil {
			attrs = append(attrs, slog.String("stack_trace", string(failed.stack)))
		}
	}
	f.options.Logger.LogAttrs(ctx, level, "request", attrs...)
}
