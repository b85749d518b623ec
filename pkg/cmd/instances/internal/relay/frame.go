package relay

import (
	"encoding/binary"
	"fmt"
	"io"
)

// kind says what a frame is.
type kind byte

const (
	// frameRequest is the client's first frame: a [Request] as JSON.
	frameRequest kind = 'r'
	// frameOutput and frameErrors are what the command writes to standard
	// output and standard error. The client answers with frameTaken.
	frameOutput kind = 'o'
	frameErrors kind = 'e'
	// frameTaken says that the client has written the last piece of output; a
	// payload says why it could not.
	frameTaken kind = 't'
	// frameInput asks for a piece of standard input, and is the answer: an
	// empty one at the end of the input.
	frameInput kind = 'i'
	// frameInputFailed answers frameInput with why there is no more.
	frameInputFailed kind = 'f'
	// frameInterrupt says that the command is to end, and that the client goes
	// on taking output until it has.
	frameInterrupt kind = 'c'
	// frameExit is the exit code in one byte. It is the last frame.
	frameExit kind = 'x'
)

const (
	// maxPiece is the size of the largest piece of input or output, in bytes.
	maxPiece = 64 << 10
	// maxPayload bounds the payload of any frame, in bytes; a request holds
	// the arguments, of which a system allows more than one piece.
	maxPayload = 4 << 20
	headerSize = 5
)

// writeFrame writes a frame at once.
func writeFrame(w io.Writer, k kind, payload []byte) error {
	if len(payload) > maxPayload {
		return fmt.Errorf("%d bytes are too many to send", len(payload))
	}
	b := make([]byte, headerSize, headerSize+len(payload))
	b[0] = byte(k)
	binary.BigEndian.PutUint32(b[1:], uint32(len(payload))) //nolint:gosec // At most maxPayload.
	_, err := w.Write(append(b, payload...))
	return err
}

// readFrame reads a frame.
func readFrame(r io.Reader) (kind, []byte, error) {
	var header [headerSize]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return 0, nil, err
	}
	size := binary.BigEndian.Uint32(header[1:])
	if size > maxPayload {
		return 0, nil, fmt.Errorf("a frame of %d bytes is too large", size)
	}
	payload := make([]byte, size)
	if _, err := io.ReadFull(r, payload); err != nil {
		return 0, nil, err
	}
	return kind(header[0]), payload, nil
}
