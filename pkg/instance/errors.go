package instance

import (
	"errors"
	"fmt"
)

// Errors of a repository, for [errors.Is] and [errors.As]. Any other error is a
// fault of the server, whose text is for logs only.
var (
	// ErrNotFound reports that there is no such instance, or that it is deleted.
	ErrNotFound = errors.New("instance not found")
	// ErrExists reports that an instance with the id exists.
	ErrExists = errors.New("instance id is taken")
	// ErrCodeTaken reports that another instance of the kind has the code.
	ErrCodeTaken = errors.New("instance code is taken")
	// ErrConflict reports that the instance was written after it was read.
	// Nothing was changed.
	ErrConflict = errors.New("instance was changed meanwhile")
	// ErrUnavailable reports that the work could not be finished before the
	// deadline. Nothing was changed, and a retry may succeed. The error is
	// ErrConflict too if other writes were in the way.
	ErrUnavailable = errors.New("repository is busy")
	// ErrTooLarge reports that the instance is larger than [MaxStoredBytes].
	ErrTooLarge = errors.New("instance is too large")
	// ErrCursor reports that a text is not a cursor, or not one of the query.
	ErrCursor = errors.New("cursor is not valid here")
	// ErrForeignCursor reports that a cursor belongs to another query. It is
	// ErrCursor too.
	ErrForeignCursor = fmt.Errorf("%w: of another query", ErrCursor)
)

// RepeatedError is the error of a write whose idempotency key was used before.
// Nothing was changed.
type RepeatedError struct {
	// Fingerprint and Answer are what the first write with the key stored.
	Fingerprint string
	Answer      []byte
}

// Error returns a fixed text.
func (e *RepeatedError) Error() string { return "idempotency key was used before" }
