package instance

import "time"

// Idempotency is the answer to a create, stored in the transaction of the
// create so that the same request, sent again, gets the same answer.
type Idempotency struct {
	// Owner, Route and Key identify the record: the owner of the key that the
	// request used, the method and route, and the client's Idempotency-Key.
	Owner, Route, Key string
	// Fingerprint identifies what the request asked for.
	Fingerprint string
	// Answer is opaque here: the whole answer as the HTTP layer keeps it.
	Answer []byte
	// ExpiresAt is when the record stops counting, to the second.
	ExpiresAt time.Time
}
