package httpjson

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"runtime/debug"
)

// MaxListBytes is the size of the largest list that is answered where the writer
// cannot stream, measured as it counts in the buffered answer of a Lambda, which
// holds the body as a JSON string and is limited to 6 MB.
const MaxListBytes = 5 << 20

// NewArray returns an answer with a JSON array that is sent while it is read, and
// compressed if the client asks for that; the server adds the Vary. Each entry is JSON, valid until the
// next one. An error ends the sequence; while nothing has been sent it is
// answered like one that the handler returned, and afterwards the answer breaks
// off. Where the writer cannot stream, the array is limited to [MaxListBytes].
// For a HEAD, the sequence is read until the answer to a GET would begin.
func NewArray(entries iter.Seq2[[]byte, error]) Answer {
	return Answer{
		Status: http.StatusOK, ContentType: "application/json",
		// A function that answers no list does not link the compressor.
		stream: func(a Answer, w http.ResponseWriter, r *http.Request) error { return a.writeArray(w, r, entries) },
	}
}

// How much of a list is gathered before it is sent: little at first, so that
// the client soon gets the first entries, then more. A list shorter than
// minCompressed is not compressed.
const (
	firstPart     = 4 << 10
	laterPart     = 64 << 10
	minCompressed = 1 << 10
)

// array is the JSON array of an answer on its way to the client.
type array struct {
	answer Answer
	w      http.ResponseWriter
	r      *http.Request
	// stream is nil where the writer cannot stream.
	stream http.Flusher

	// part is what has not been sent yet, with the entries up to number read.
	part bytes.Buffer
	// quoted is the size of part in a JSON string, where nothing is streamed.
	quoted     int
	read, sent int
	// out is nil until the first part is sent.
	out        io.Writer
	compressor *gzip.Writer
	// unwritable means that the client did not take what was sent.
	unwritable bool
	// stack is that of a panic.
	stack []byte
}

// writeArray sends the answer with the entries. If it returns an error, nothing
// has been sent. Afterwards it panics with [http.ErrAbortHandler], so that the
// server breaks the answer off: it has no closing bracket, and the compressed
// form has no end, so that nobody takes it for a whole one.
func (a Answer) writeArray(w http.ResponseWriter, r *http.Request, entries iter.Seq2[[]byte, error]) error {
	out := &array{answer: a, w: w, r: r}
	out.stream, _ = w.(http.Flusher)
	err := out.copy(entries)
	if err != nil && out.out != nil {
		out.logCut(err)
		panic(http.ErrAbortHandler)
	}
	return err
}

// copy sends the entries and the end of the array.
func (a *array) copy(entries iter.Seq2[[]byte, error]) (err error) {
	defer func() {
		// While nothing has been sent, a panic is left to the server.
		if a.out == nil {
			return
		}
		if v := recover(); v != nil {
			a.stack, err = debug.Stack(), fmt.Errorf("panic: %v", v)
		}
	}()
	a.part.WriteByte('[')
	for entry, err := range entries {
		if err != nil {
			return err
		}
		if err := a.add(entry); err != nil {
			return err
		}
		if a.out != nil && a.r.Method == http.MethodHead {
			// The rest decides nothing.
			return nil
		}
	}
	a.part.WriteByte(']')
	return a.end()
}

// add adds an entry, and sends what has been gathered if that is enough.
func (a *array) add(entry []byte) error {
	start := a.part.Len()
	if a.read > 0 {
		a.part.WriteByte(',')
	}
	a.part.Write(entry)
	a.read++
	if a.stream == nil {
		a.quoted += quotedLen(a.part.Bytes()[start:])
		if a.quoted > MaxListBytes-len(`[]`) {
			return badRequest(fmt.Sprintf(
				"The list is too large for one answer: use the parameter limit (1 to %d), or a lower one, to get it in pages.", MaxLimit))
		}
		return nil
	}
	if size := a.part.Len(); size < firstPart || a.out != nil && size < laterPart {
		return nil
	}
	if err := a.r.Context().Err(); err != nil {
		return err
	}
	if a.out == nil {
		a.start(0)
	}
	return a.send()
}

// start sends the header. The length is that of the whole array, or 0.
func (a *array) start(length int) {
	a.out = a.w
	if a.stream != nil && (length == 0 || length >= minCompressed) && prefersGzip(a.r.Header.Values("Accept-Encoding")) {
		a.w.Header().Set("Content-Encoding", "gzip")
		// The level is valid.
		a.compressor, _ = gzip.NewWriterLevel(a.w, gzip.BestSpeed)
		a.out, length = a.compressor, 0
	}
	if a.r.Method == http.MethodHead {
		a.out, a.compressor, length = io.Discard, nil, 0
	}
	a.answer.writeHeader(a.w, length)
}

// send sends what has been gathered.
func (a *array) send() error {
	_, err := a.out.Write(a.part.Bytes())
	if err == nil && a.compressor != nil {
		err = a.compressor.Flush()
	}
	if err != nil {
		a.unwritable = true
		return fmt.Errorf("send list: %w", err)
	}
	a.stream.Flush()
	a.part.Reset()
	a.sent = a.read
	return nil
}

// end sends the last part, or the whole array.
func (a *array) end() error {
	if a.out == nil {
		a.start(a.part.Len())
	}
	_, err := a.out.Write(a.part.Bytes())
	if err == nil && a.compressor != nil {
		err = a.compressor.Close()
	}
	if err != nil {
		a.unwritable = true
		return fmt.Errorf("send list: %w", err)
	}
	return nil
}

// logCut logs why the answer breaks off. A client that leaves is not a fault.
func (a *array) logCut(err error) {
	ctx := a.r.Context()
	level, message := slog.LevelError, "answer cut off"
	gone := errors.Is(ctx.Err(), context.Canceled) || a.unwritable && ctx.Err() == nil
	if gone && a.stack == nil {
		level, message = slog.LevelInfo, "client left"
	}
	attrs := []slog.Attr{slog.Int("entries", a.sent), slog.Any("error", err)}
	if a.stack != nil {
		attrs = append(attrs, slog.String("stack_trace", string(a.stack)))
	}
	Logger(ctx).LogAttrs(ctx, level, message, attrs...)
}

// quotedLen returns how many bytes JSON text takes within a JSON string.
// JSON text holds no control characters to escape.
func quotedLen(b []byte) int {
	return len(b) + bytes.Count(b, []byte(`"`)) + bytes.Count(b, []byte(`\`))
}
