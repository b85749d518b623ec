package httpjson

import (
	"bytes"
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

// Operation is a write that may be repeated, as [Once] needs it.
type Operation struct {
	// Change is the change that the request makes.
	Change instance.Change
	// Route is the method and route of the request. A key counts for one owner and
	// one route.
	Route string
	// Resource is the id of the instance that the request changes; it is empty
	// where the request creates one.
	Resource string
	// Members are what the body gives, unless it is ignored.
	Members map[string]json.RawMessage
	// Body is the body as sent, needed for a request that creates an instance.
	Body []byte
}

// Once calls write and returns the answer about the instance that it stored. If r
// has an Idempotency-Key, write gets a record to store in its transaction; if the
// same request was made before, Once returns the answer to that one instead. It
// may call answer more than once.
//
// Requests are the same if they agree in the resource, the query and the members of
// the body. Conditions such as If-Match are not compared: they say in which state a
// change is wanted, not which change, and the first request has changed that state.
//
// Its errors are those of write and answer, and [RequestError]: 400 for an invalid
// key, 422 for a key that was used for another request, and 409 if another request
// that creates an instance with the key is still running when the time is up.
func Once(r *http.Request, op Operation, answer func(instance.Instance) (Answer, error),
	write func(*instance.Idempotency) (instance.Instance, error),
) (Answer, error) {
	record, err := newRecord(r, op, answer)
	if err != nil {
		return Answer{}, err
	}
	stored, err := write(record)
	var repeated *instance.RepeatedError
	switch {
	case err == nil:
		return answer(stored)
	case record == nil:
		return Answer{}, err
	case errors.As(err, &repeated):
		return recorded(repeated, record.Fingerprint, op.Body)
	case op.Resource == "" && errors.Is(err, instance.ErrUnavailable) && errors.Is(err, instance.ErrConflict):
		// Others do not write what is not stored yet.
		return Answer{}, &RequestError{
			Status: http.StatusConflict,
			Detail: "Another request with this Idempotency-Key is under way.",
		}
	default:
		return Answer{}, err
	}
}

// newRecord returns the record of r, or nil where r has no Idempotency-Key.
func newRecord(r *http.Request, op Operation, answer func(instance.Instance) (Answer, error)) (*instance.Idempotency, error) {
	values := r.Header.Values("Idempotency-Key")
	if len(values) == 0 {
		return nil, nil
	}
	key := values[0]
	if len(values) > 1 || key == "" || len(key) > maxIdempotencyKey || !printable(key) {
		return nil, badRequest(fmt.Sprintf(
			"The Idempotency-Key must be given once and have 1 to %d printable ASCII characters.", maxIdempotencyKey))
	}
	asked, err := fingerprint(r, op)
	if err != nil {
		return nil, err
	}
	return &instance.Idempotency{
		Owner:       op.Change.Owner,
		Route:       op.Route,
		Key:         key,
		Fingerprint: asked,
		Answer: func(i instance.Instance) ([]byte, error) {
			a, err := answer(i)
			if err != nil {
				return nil, err
			}
			kept, err := json.Marshal(a)
			if err != nil {
				return nil, fmt.Errorf("encode answer to keep: %w", err)
			}
			return kept, nil
		},
		ExpiresAt: op.Change.At.Add(RepeatFor),
	}, nil
}

// fingerprint identifies what r asks for: the order of members and parameters,
// white space and escapes make no difference, and numbers are compared as they are
// written.
func fingerprint(r *http.Request, op Operation) (string, error) {
	query := r.URL.Query()
	// Some clients add it against caches, with another value each time.
	query.Del("_")
	members := make(map[string]any, len(op.Members))
	for name, raw := range op.Members {
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		var value any
		if err := d.Decode(&value); err != nil {
			return "", fmt.Errorf("decode %q: %w", name, err)
		}
		members[name] = value
	}
	// Marshal sorts the names of objects.
	asked, err := json.Marshal([]any{op.Resource, query, members})
	if err != nil {
		return "", fmt.Errorf("encode fingerprint: %w", err)
	}
	return hash(asked), nil
}

// recorded returns the kept answer if it is that of the request with this
// fingerprint and body.
func recorded(kept *instance.RepeatedError, fingerprint string, body []byte) (Answer, error) {
	// Earlier versions kept the hash of the body as sent.
	if kept.Fingerprint != fingerprint && kept.Fingerprint != hash(body) {
		return Answer{}, &RequestError{
			Status: http.StatusUnprocessableEntity,
			Detail: "This Idempotency-Key was used for another request before.",
		}
	}
	var a Answer
	if err := json.Unmarshal(kept.Answer, &a); err != nil {
		return Answer{}, fmt.Errorf("decode kept answer: %w", err)
	}
	return a, nil
}

// hash returns the SHA-256 of b in hexadecimal digits.
func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
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
