package httpjson

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"instances/pkg/instance"
)

// RepeatFor is how long the answer to a request with an Idempotency-Key is kept.
const RepeatFor = 24 * time.Hour

// maxIdempotencyKey is the length of the longest Idempotency-Key, in bytes.
const maxIdempotencyKey = 255

// Operation is a request that may be repeated, as [Once] needs it.
type Operation struct {
	// Owner makes the request, and Route is its method and route. A key counts
	// for one owner and one route.
	Owner, Route string
	// Body is the body as sent: the same key with another body is refused.
	Body []byte
	// Now is the time of the request.
	Now time.Time
}

// Once calls create and returns answer. If r has an Idempotency-Key, create gets a
// record to store in its transaction; if the same request was made before, Once
// returns the answer to that one instead.
//
// Its errors are those of create and [RequestError]: 400 for an invalid key, 422
// for a key that was used with another body, and 409 if another request with the
// key is still running when the time is up.
func Once(r *http.Request, op Operation, answer Answer, create func(*instance.Idempotency) error) (Answer, error) {
	record, err := newRecord(r, op, answer)
	if err != nil {
		return Answer{}, err
	}
	err = create(record)
	var repeated *instance.RepeatedError
	switch {
	case err == nil:
		return answer, nil
	case record == nil:
		return Answer{}, err
	case errors.As(err, &repeated):
		return recorded(repeated.Recorded, record.Fingerprint)
	case errors.Is(err, instance.ErrUnavailable) && errors.Is(err, instance.ErrConflict):
		return Answer{}, &RequestError{
			Status: http.StatusConflict,
			Detail: "Another request with this Idempotency-Key is under way.",
		}
	default:
		return Answer{}, err
	}
}

// newRecord returns the record of r, or nil where r has no Idempotency-Key.
func newRecord(r *http.Request, op Operation, answer Answer) (*instance.Idempotency, error) {
	values := r.Header.Values("Idempotency-Key")
	if len(values) == 0 {
		return nil, nil
	}
	key := values[0]
	if len(values) > 1 || key == "" || len(key) > maxIdempotencyKey || !printable(key) {
		return nil, badRequest(fmt.Sprintf(
			"The Idempotency-Key must be given once and have 1 to %d printable ASCII characters.", maxIdempotencyKey))
	}
	stored, err := json.Marshal(answer)
	if err != nil {
		return nil, fmt.Errorf("encode answer to keep: %w", err)
	}
	sum := sha256.Sum256(op.Body)
	return &instance.Idempotency{
		Owner:       op.Owner,
		Route:       op.Route,
		Key:         key,
		Fingerprint: hex.EncodeToString(sum[:]),
		Answer:      stored,
		ExpiresAt:   op.Now.Add(RepeatFor),
	}, nil
}

// recorded returns the stored answer if the request is the same.
func recorded(record instance.Idempotency, fingerprint string) (Answer, error) {
	if record.Fingerprint != fingerprint {
		return Answer{}, &RequestError{
			Status: http.StatusUnprocessableEntity,
			Detail: "This Idempotency-Key was used with another body before.",
		}
	}
	var a Answer
	if err := json.Unmarshal(record.Answer, &a); err != nil {
		return Answer{}, fmt.Errorf("decode kept answer: %w", err)
	}
	return a, nil
}

// printable reports whether s is printable ASCII.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
