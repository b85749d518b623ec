package dynamo

import (
	"context"
	"fmt"

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

// Record implements [repository.Writer] as one transaction.
func (r *Repository) Record(ctx context.Context, record instance.Idempotency, i instance.Instance) error {
	w := r.transaction("record answer about " + i.Key().String())
	w.recordAnswer(&record, i)
	return w.run(ctx)
}

// Recorded implements [instance.Repeater] by reading an item.
func (r *Repository) Recorded(ctx context.Context, record instance.Idempotency) error {
	stored, err := r.getItem(ctx, idempotencyKey(&record))
	if err != nil {
		return fmt.Errorf("read recorded answer: %w", err)
	}
	if len(stored) == 0 {
		return nil
	}
	old, err := decode[idempotencyItem](stored)
	if err != nil || old.Expires <= r.now().Unix() {
		return err
	}
	return old.repeated()
}

// recordAnswer stores the record of a write of i, if there is one. It is refused
// with an [*instance.RepeatedError]. An expired record counts as absent, since the
// table's TTL removes it late.
func (w *transaction) recordAnswer(record *instance.Idempotency, i instance.Instance) {
	if record == nil {
		return
	}
	text, err := record.Answer(i)
	w.fail(err)
	answer, err := newBlob(text)
	w.fail(err)
	stored := idempotencyItem{idempotencyKey(record), record.Fingerprint, answer, record.ExpiresAt.Unix()}
	if len(answer.Data)+len(stored.Fingerprint)+len(stored.PK) > maxItemBytes {
		w.fail(fmt.Errorf("answer to record: %w", instance.ErrTooLarge))
	}
	expired := expression.Name("expires").LessThanEqual(expression.Value(w.r.now().Unix()))
	w.put(stored, absent().Or(expired), func(stored item) error {
		old, err := decode[idempotencyItem](stored)
		if err != nil {
			return err
		}
		return old.repeated()
	})
}

// repeated returns the error of a write whose key the record has.
func (i idempotencyItem) repeated() error {
	answer, err := i.Answer.bytes()
	if err != nil {
		return fmt.Errorf("decode idempotency record: %w", err)
	}
	return &instance.RepeatedError{Fingerprint: i.Fingerprint, Answer: answer}
}
