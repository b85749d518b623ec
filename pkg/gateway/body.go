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
	// MaxRequestBytes is the largest body of a request, as it is sent.
	MaxRequestBytes = 10 << 20
	// keptBytes is how much of a body is kept, and passed on: a byte more than
	// any function takes. So a function refuses a larger body as it would
	// refuse the whole.
	keptBytes = httpjson.MaxBodyBytes + 1
)

// What bodies take together, whoever sends them.
const (
	// maxWaitingBytes is for the bodies that arrive or wait.
	maxWaitingBytes = 16 * keptBytes
	// A body of at most smallBytes shares maxSmallBytes with others, a larger
	// one maxLargeBytes, while it is answered. An event has up to six times
	// the size of its body, and the function works on copies.
	smallBytes    = 64 << 10
	maxSmallBytes = 4 << 20
	maxLargeBytes = 2 << 20
	// patience is how long a body waits to be answered.
	patience = time.Second
	// maxExpansion is the most that deflate expands.
	maxExpansion = 1032
)

// errBusy says that there is no room for the body.
var errBusy = errors.New("too many bodies at once")

// bodies bounds the memory that bodies of requests take. Where there is no
// room for another that arrives, the one that has been arriving or waiting for
// longest is given up, so that senders who are slow do not keep others out.
type bodies struct {
	// small and large have the bytes of the bodies that are being answered.
	// Small bodies do not queue behind large ones.
	small, large *semaphore.Weighted

	mu      sync.Mutex
	held    int
	waiting list.List // of *waitingBody, the longest first
}

func newBodies() *bodies {
	return &bodies{small: semaphore.NewWeighted(maxSmallBytes), large: semaphore.NewWeighted(maxLargeBytes)}
}

// waitingBody is a body that arrives, or that is there and waits.
type waitingBody struct {
	held    int
	place   *list.Element
	givenUp bool
	// giveUp ends the reading or the waiting. It does not block.
	giveUp func()
}

// receive reads the body of a request, at most keptBytes of it, and waits for
// room to answer it. The caller calls done once it is answered. Errors are
// errBusy, a [http.MaxBytesError], or what went wrong while reading.
func (b *bodies) receive(w http.ResponseWriter, r *http.Request) (body []byte, done func(), err error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, func() {}, nil
	}
	x := &waitingBody{giveUp: func() {
		// Recorders of tests have no deadlines; they have all of the body.
		_ = http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0))
	}}
	b.mu.Lock()
	x.place = b.waiting.PushBack(x)
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

// read reads a body of that length, or -1 where that is not known.
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
			// What follows counts against the limit of what may be sent.
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

// hold counts x as a body of so many bytes, for which others are given up
// where they must. It reports whether x has not been given up.
func (b *bodies) hold(x *waitingBody, bytes int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if x.givenUp {
		return false
	}
	b.held += bytes - x.held
	x.held = bytes
	for b.held > maxWaitingBytes {
		longest := b.waiting.Front().Value.(*waitingBody)
		b.drop(longest)
		longest.givenUp = true
		longest.giveUp()
	}
	return !x.givenUp
}

// wait waits until the room has so many bytes for x.
func (b *bodies) wait(ctx context.Context, x *waitingBody, room *semaphore.Weighted, size int64) error {
	if !room.TryAcquire(size) {
		// A client that has sent all may close its half of the connection.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer cancel()
		b.mu.Lock()
		x.giveUp = cancel
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

// remove ends the waiting of x, and reports whether it was given up before.
func (b *bodies) remove(x *waitingBody) (givenUp bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drop(x)
	return x.givenUp
}

// drop takes x off the list, where it is there. The lock is held.
func (b *bodies) drop(x *waitingBody) {
	if x.place != nil {
		b.waiting.Remove(x.place)
		b.held -= x.held
		x.place, x.held = nil, 0
	}
}
