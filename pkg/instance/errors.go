package instance

import "errors"

// What a repository may answer beside success. Callers compare with
// [errors.Is] and [errors.As]; an error that is none of these is a fault of
// the server, and its text is for logs only.
var (
	// ErrNotFound says that there is no such instance, or that it is deleted.
	ErrNotFound = errors.New("instance not found")
	// ErrExists says that an instance with the id exists.
	ErrExists = errors.New("instance id is taken")
	// ErrCodeTaken says that another instance of the kind has the code.
	ErrCodeTaken = errors.New("instance code is taken")
	// ErrConflict says that the instance was written since it was read.
	// Nothing was changed.
	ErrConflict = errors.New("instance was changed meanwhile")
	// ErrUnavailable says that the work could not be finished in the time
	// that the request has. Nothing was changed; it is worth another try. The
	// error is ErrConflict too where other writes were in the way.
	ErrUnavailable = errors.New("repository is busy")
	// ErrTooLarge says that the instance is over [MaxStoredBytes].
	ErrTooLarge = errors.New("instance is too large")
	// ErrCursor says that a cursor is malformed or belongs to another query.
	ErrCursor = errors.New("cursor is not valid here")
)

// RepeatedError is the error of a create whose idempotency key was used
// before. Nothing was changed.
type RepeatedError struct {
	// Recorded is what the first request with that key stored.
	Recorded Idempotency
}

// Error says that the key was used before.
func (e *RepeatedError) Error() string { return "idempotency key was used before" }
