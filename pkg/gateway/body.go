package gateway

import (
	"container/list"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"instances/pkg/httpjson"
)

const (
	// MaxRequestBytes is the size of the largest request body, as it is sent.
	MaxRequestBytes = 10 << 20
	// keptBytes is how much of a body is read into memory and passed on: one
	// byte more than any function accepts, so that a function refuses a larger
	// body in its own words.
	keptBytes = httpjson.MaxBodyBytes + 1
)

// Limits on the bodies of all clients together.
const (
	// maxWaitingBytes bounds the bodies that are arriving or waiting.
	maxWaitingBytes = 16 * keptBytes
	// While their requests are served, bodies of up to smallBytes share
	// maxSmallBytes, and larger ones maxLargeBytes. The memory that they take is a
	// multiple of that: an event has up to six times the size of its body, and
	// the function makes copies.
	smallBytes    = 64 << 10
	maxSmallBytes = 4 << 20
	maxLargeBytes = 2 << 20
	// patience is how long a body waits for room.
	patience = time.Second
	// maxExpansion is the largest expansion of deflate.
	maxExpansion = 1032
)

// errBusy means that there is no room for a body.
var errBusy = errors.New("too many bodies at once")

// bodies bounds the memory that request bodies take. When there is no room for
// more of those that arrive, it drops the one that has been arriving or waiting
// longest, so that slow senders do not keep others out.
type bodies struct {
	// small and large are the room for bodies that are being served. Small
	// bodies do not queue behind large ones.
	small, large *semaphore.Weighted

	mu      sync.Mutex
	held    int
	waiting list.List // of *waitingBody, oldest first
}

func newBodies() *bodies {
	return &bodies{small: semaphore.NewWeighted(maxSmallBytes), large: semaphore.NewWeighted(maxLargeBytes)}
}

// waitingBody is a body that is arriving or waiting for room.
type waitingBody struct {
	size    int
	element *list.Element // nil if not in the list
	dropped bool
	// cancel ends the reading or the waiting. It does not block.
	cancel func()
}

// receive reads up to keptBytes of a request's body and waits until there is room
// to serve it. The caller must call done when it is served. The error is errBusy,
// an [http.MaxBytesError], or that of reading the body.
func (b *bodies) receive(w http.ResponseWriter, r *http.Request) (body []byte, done func(), err error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, func() {}, nil
	}
	x := &waitingBody{cancel: func() {
		// A recorder has no deadlines, and does not need them.
		_ = http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0))
	}}
	b.mu.Lock()
	x.element = b.waiting.PushBack(x)
	b.mu.Unlock()
	defer b.remove(x)

	body, err = b.read(x, http.MaxBytesReader(w, r.Body, MaxRequestBytes), r.ContentLength)
	if err != nil {
		return nil, nil, err
	}
	size := int64(len(body))
	if r.Header.Get("Content-Encoding") != "" {
		size = min(size*maxExpansion, keptBytes)
	}
	room := b.small
	if size > smallBytes {
		room = b.large
	}
	if err := b.wait(r.Context(), x, room, size); err != nil {
		return nil, nil, err
	}
	return body, func() { room.Release(size) }, nil
}

// read reads a body of the given length, or -1 if it is unknown.
func (b *bodies) read(x *waitingBody, r io.Reader, length int64) ([]byte, error) {
	var body []byte
	for {
		if len(body) == cap(body) {
			size := min(max(512, 2*len(body), int(min(length+1, smallBytes))), keptBytes)
			if !b.hold(x, size) {
				return nil, errBusy
			}
			body = append(make([]byte, 0, size), body...)
		}
		n, err := r.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		if err == nil && len(body) == keptBytes {
			// The rest counts only against MaxRequestBytes.
			if _, err = io.Copy(io.Discard, r); err == nil {
				return body, nil
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return body, nil
		case err != nil && b.remove(x):
			return nil, errBusy
		case err != nil:
			return nil, err
		}
	}
}

// hold sets the size of x, and drops the oldest bodies if there is no room for
// it. It reports whether x itself is not dropped.
func (b *bodies) hold(x *waitingBody, size int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if x.dropped {
		return false
	}
	b.held += size - x.size
	x.size = size
	for b.held > maxWaitingBytes {
		oldest := b.waiting.Front().Value.(*waitingBody)
		b.unlist(oldest)
		oldest.dropped = true
		oldest.cancel()
	}
	return !x.dropped
}

// wait acquires so many bytes of the room for x.
func (b *bodies) wait(ctx context.Context, x *waitingBody, room *semaphore.Weighted, size int64) error {
	if !room.TryAcquire(size) {
		// A client that has sent everything may close its half of the connection.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		b.mu.Lock()
		x.cancel = cancel
		b.mu.Unlock()
		if room.Acquire(ctx, size) != nil {
			return errBusy
		}
	}
	if b.remove(x) {
		room.Release(size)
		return errBusy
	}
	return nil
}

// remove takes x off the list, and reports whether it was dropped before.
func (b *bodies) remove(x *waitingBody) (dropped bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unlist(x)
	return x.dropped
}

// unlist takes x off the list if it is there. The caller holds the lock.
func (b *bodies) unlist(x *waitingBody) {
	if x.element != nil {
		b.waiting.Remove(x.element)
		b.held -= x.size
		x.element, x.size = nil, 0
	}
}
