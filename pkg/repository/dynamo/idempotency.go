package dynamo

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"

	"instances/pkg/instance"
)

// idempotencyItem is an idempotency record as stored.
type idempotencyItem struct {
	itemKey
	Fingerprint string `dynamodbav:"fingerprint"`
	Answer      blob   `dynamodbav:"answer"`
	// Expires is in seconds since 1970.
	Expires int64 `dynamodbav:"expires"`
}

// recordIdempotency stores the record, if there is one. It is refused with an
// [*instance.RepeatedError]. An expired record counts as absent, since the
// table's TTL removes it late.
func (w *transaction) recordIdempotency(idem *instance.Idempotency) {
	if idem == nil {
		return
	}
	answer, err := newBlob(idem.Answer)
	w.fail(err)
	record := idempotencyItem{idempotencyKey(idem), idem.Fingerprint, answer, idem.ExpiresAt.Unix()}
	if len(answer.Data)+len(record.Fingerprint)+len(record.PK) > maxItemBytes {
		w.fail(fmt.Errorf("answer to record: %w", instance.ErrTooLarge))
	}
	expired := expression.Name("expires").LessThanEqual(expression.Value(w.r.now().Unix()))
	w.put(record, absent().Or(expired), func(stored item) error { return repeated(idem, stored) })
}

// repeated returns the error for a record that exists.
func repeated(idem *instance.Idempotency, stored item) error {
	record, err := decode[idempotencyItem](stored)
	if err != nil {
		return err
	}
	answer, err := record.Answer.bytes()
	if err != nil {
		return fmt.Errorf("decode idempotency record: %w", err)
	}
	return &instance.RepeatedError{Recorded: instance.Idempotency{
		Owner: idem.Owner, Route: idem.Route, Key: idem.Key,
		Fingerprint: record.Fingerprint, Answer: answer, ExpiresAt: time.Unix(record.Expires, 0).UTC(),
	}}
}
