package bolt

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"instances/pkg/instance"
)

// answerRecord is the record of an [instance.Idempotency] as it is stored; its
// key holds the owner, the route and the client's key.
type answerRecord struct {
	Fingerprint string `json:"fingerprint"`
	Answer      []byte `json:"answer"`
	// Expires is in seconds.
	Expires int64 `json:"expires"`
}

// Record implements [repository.Writer] in a transaction of its own.
func (r *Repository) Record(ctx context.Context, record instance.Idempotency, i instance.Instance) error {
	return r.write(ctx, "record answer about "+i.Key().String(), func(tx *bbolt.Tx) error {
		if err := r.repeated(tx, &record); err != nil {
			return err
		}
		return recordAnswer(tx, &record, i)
	})
}

// Recorded implements [instance.Repeater].
func (r *Repository) Recorded(ctx context.Context, record instance.Idempotency) error {
	return r.view(ctx, "read recorded answer", func(tx *bbolt.Tx) error { return r.repeated(tx, &record) })
}

// repeated returns an [*instance.RepeatedError] if there is a record with the key
// of record, unless that is nil, that has not expired.
func (r *Repository) repeated(tx *bbolt.Tx, record *instance.Idempotency) error {
	if record == nil {
		return nil
	}
	value := bucket(tx, idempotencyBucket).Get(answerKey(record))
	if value == nil {
		return nil
	}
	var old answerRecord
	if err := json.Unmarshal(value, &old); err != nil {
		return damaged("%w", err)
	}
	if !r.now().Before(time.Unix(old.Expires, 0)) {
		return nil
	}
	return &instance.RepeatedError{Fingerprint: old.Fingerprint, Answer: old.Answer}
}

// recordAnswer stores the record, unless it is nil, of a write of i.
func recordAnswer(tx *bbolt.Tx, record *instance.Idempotency, i instance.Instance) error {
	if record == nil {
		return nil
	}
	answer, err := record.Answer(i)
	if err != nil {
		return err
	}
	value, err := json.Marshal(answerRecord{record.Fingerprint, answer, record.ExpiresAt.Unix()})
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	key := answerKey(record)
	if err := expire(tx, record.ExpiresAt.Truncate(time.Second), answerMark, key); err != nil {
		return err
	}
	return bucket(tx, idempotencyBucket).Put(key, value)
}

// answerKey is the key of a record.
func answerKey(record *instance.Idempotency) []byte {
	return parts(record.Owner, record.Route, record.Key)
}
