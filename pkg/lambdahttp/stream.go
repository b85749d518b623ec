package lambdahttp

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/awslabs/aws-lambda-go-api-proxy/core"
)

// How much of a streamed answer goes to the reader at once, and how many such
// chunks the handler may be ahead of it.
const (
	chunkBytes  = 64 << 10
	chunksAhead = 16
)

// errCut is the end of an answer that the handler broke off.
var errCut = errors.New("the answer was cut off")

// Streamer is a function whose answers can be streamed. Invoke gives them
// buffered, for callers that cannot stream.
type Streamer interface {
	lambda.Handler
	// Stream answers one event. It returns when the status and the headers are
	// known. The reader yields what API Gateway expects of a function that
	// streams: the status and the headers as JSON, eight NUL bytes, and the body.
	// It ends with an error other than io.EOF if the answer was cut off. It
	// must be closed, which ends the context of the request and waits for the
	// handler. The error of Stream itself is nil.
	Stream(ctx context.Context, payload []byte) (io.ReadCloser, error)
}

// NewStream returns what New does, as a function that can also stream. A
// handler sends what it has written so far with [http.Flusher]. It is
// ahead of the reader by about a megabyte at most.
func NewStream(h http.Handler, o Options) Streamer {
	return &streamer{newFunction(h, o)}
}

type streamer struct{ *function }

// Stream implements [Streamer].
func (s *streamer) Stream(ctx context.Context, payload []byte) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancel(ctx)
	p := &pipe{
		header: http.Header{}, close: cancel,
		ready: make(chan struct{}), chunks: make(chan []byte, chunksAhead),
	}
	go func() {
		defer cancel()
		// When the line has been logged.
		defer close(p.chunks)
		s.answer(ctx, payload, p)
	}()
	<-p.ready
	return &events.APIGatewayProxyStreamingResponse{StatusCode: p.status, MultiValueHeaders: p.header, Body: p}, nil
}

// answer answers the event into p.
func (s *streamer) answer(ctx context.Context, payload []byte, p *pipe) {
	x, ctx, cancel := s.begin(ctx, payload)
	defer cancel()
	p.done = ctx.Done()
	p.complete = func() { s.complete(p.header, x.requestID) }
	if x.err == nil {
		x.stream(ctx, p)
	}
	if x.err != nil && !p.started {
		response := problem(x.err)
		p.status, p.header, p.part = response.StatusCode, response.MultiValueHeaders, []byte(response.Body)
	}
	cut := x.err != nil && p.started
	if !cut {
		p.Flush()
		cut = p.failed != nil
	}
	p.end = io.EOF
	if cut {
		p.end = errCut
	}
	s.log(ctx, x, line{status: p.status, bytes: p.sent, cut: cut})
}

// stream passes the request to the handler, which answers into p.
func (x *exchange) stream(ctx context.Context, p *pipe) {
	var adapter core.RequestAccessor
	r, err := adapter.EventToRequestWithContext(ctx, x.bare())
	if err != nil {
		x.err = internal(err)
		return
	}
	x.ServeHTTP(p, r)
}
