package bolt

import (
	"encoding/json"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"instances/pkg/instance"
)

// answerRecord is an [instance.Idempotency] as it is stored; its key holds
// the owner, the route and the client's key.
type answerRecord struct {
	Fingerprint string `json:"fingerprint"`
	Answer      []byte `json:"answer"`
	// Expires is in seconds.
	Expires int64 `json:"expires"`
}

// recordAnswer stores idem, or returns an [*instance.RepeatedError] if there is
// a record that has not expired.
func (r *Repository) recordAnswer(tx *bbolt.Tx, idem instance.Idempotency) error {
	answers, key := bucket(tx, idempotencyBucket), parts(idem.Owner, idem.Route, idem.Key)
	if value := answers.Get(key); value != nil {
		var old answerRecord
		if err := json.Unmarshal(value, &old); err != nil {
			return damaged("%w", err)
		}
		recorded := instance.Idempotency{
			Owner: idem.Owner, Route: idem.Route, Key: idem.Key,
			Fingerprint: old.Fingerprint, Answer: old.Answer, ExpiresAt: time.Unix(old.Expires, 0).UTC(),
		}
		if r.now().Before(recorded.ExpiresAt) {
			return &instance.RepeatedError{Recorded: recorded}
		}
	}
	value, err := json.Marshal(answerRecord{idem.Fingerprint, idem.Answer, idem.ExpiresAt.Unix()})
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	if err := expire(tx, idem.ExpiresAt.Truncate(time.Second), answerMark, key); err != nil {
		return err
	}
	return answers.Put(key, value)
}
