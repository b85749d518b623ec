package runtimeapi

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"
)

// MaxStreamBytes is the size of the largest answer that Lambda streams.
const MaxStreamBytes = 200 << 20

// The trailers of a stream that failed: the type of the error, and the Base64 of
// what [FunctionError] has as JSON.
const (
	errorTypeTrailer = "Lambda-Runtime-Function-Error-Type"
	errorBodyTrailer = "Lambda-Runtime-Function-Error-Body"
)

// Stream is like [Process.Invoke], but returns the answer when the process begins
// to send it. The caller must read it to the end or close it. Reading fails with a
// [*FunctionError] if the function fails before the end; a process that takes too
// long is killed. If the reader is closed or the context is cancelled, the process
// learns that nobody takes the rest, and continues.
func (p *Process) Stream(ctx context.Context, event []byte) (io.ReadCloser, error) {
	i := newInvocation(event)
	answer, stream := io.Pipe()
	i.stream, i.over = stream, make(chan struct{})
	limit := time.NewTimer(startTimeout + p.function.Timeout)
	if _, err := p.run(ctx, i, limit); err != nil {
		limit.Stop()
		return nil, err
	}
	go func() {
		defer limit.Stop()
		select {
		case <-i.over:
			return
		case <-limit.C:
		case <-ctx.Done():
			if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
				_ = stream.CloseWithError(ctx.Err())
				return
			}
		}
		_ = stream.CloseWithError(timedOut(i.id, p.function.Timeout))
		p.Stop()
	}()
	return answer, nil
}

// receive passes on the stream that a process sends.
func (i *invocation) receive(w http.ResponseWriter, r *http.Request) {
	defer close(i.over)
	i.done <- result{}
	// If the reader leaves, the process is answered before it has sent everything.
	_ = http.NewResponseController(w).EnableFullDuplex()
	_, err := io.Copy(i.stream, http.MaxBytesReader(w, r.Body, MaxStreamBytes))
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		err = responseTooLarge(tooLarge)
	} else if err != nil {
		err = &FunctionError{"Runtime.TruncatedResponse", "the process broke off the stream"}
	} else if kind := r.Trailer.Get(errorTypeTrailer); kind != "" {
		err = inTrailer(kind, r.Trailer.Get(errorBodyTrailer))
	}
	// A reader that has left does not see the error.
	_ = i.stream.CloseWithError(err)
	w.WriteHeader(http.StatusAccepted)
}

// inTrailer returns the error that a function reports after the first byte.
func inTrailer(kind, body string) error {
	e := &FunctionError{Type: kind}
	// Without a body that is understood, the type must do.
	if decoded, err := base64.StdEncoding.DecodeString(body); err == nil {
		_ = json.Unmarshal(decoded, e)
	}
	return e
}
