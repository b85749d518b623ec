package instance

import "time"

// Idempotency makes a write repeatable: the record of its answer, stored in the
// transaction of the write, so that the same request, sent again, gets the same
// answer.
type Idempotency struct {
	// Owner, Route and Key identify the record: the owner of the key that the
	// request used, the method and route, and the client's Idempotency-Key.
	Owner, Route, Key string
	// Fingerprint identifies what the request asked for.
	Fingerprint string
	// Answer returns the whole answer as the HTTP layer keeps it, which is opaque
	// here, given the instance as the write stores it, or as a deletion finds it.
	// It is called before the write takes effect, again for each attempt, and its
	// error ends the write.
	Answer func(Instance) ([]byte, error)
	// ExpiresAt is when the record stops counting, to the second.
	ExpiresAt time.Time
}
