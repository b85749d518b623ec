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
// long is killed. If the context is cancelled, the process learns that nobody takes
// the rest, and continues; if only the reader is closed, when it sends more.
func (p *Process) Stream(ctx context.Context, event []byte) (io.ReadCloser, error) {
	i := newInvocation(event)
	answer, stream := io.Pipe()
	i.stream, i.over, i.left = stream, make(chan struct{}), make(chan struct{})
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
				close(i.left)
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
	body := http.MaxBytesReader(w, r.Body, MaxStreamBytes)
	// The process may be answered before it has sent everything.
	process := http.NewResponseController(w)
	_ = process.EnableFullDuplex()
	ended := make(chan error, 1)
	go func() {
		defer close(ended)
		_, err := io.Copy(i.stream, body)
		ended <- err
		if errors.Is(err, io.ErrClosedPipe) {
			_, _ = io.Copy(io.Discard, body)
		}
	}()
	var err error
	select {
	case err = <-ended:
	case <-i.left:
		err = io.ErrClosedPipe
	}
	if errors.Is(err, io.ErrClosedPipe) {
		// The reader has left. The process, once it knows, closes the connection.
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusAccepted)
		_ = process.Flush()
		for range ended {
		}
		return
	}
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		err = responseTooLarge(tooLarge)
	} else if err != nil {
		err = &FunctionError{"Runtime.TruncatedResponse", "the process broke off the stream"}
	} else if kind := r.Trailer.Get(errorTypeTrailer); kind != "" {
		err = inTrailer(kind, r.Trailer.Get(errorBodyTrailer))
	}
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
