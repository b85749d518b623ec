package dynamo

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/instance"
)

// idempotencyItem is an idempotency record as it is stored.
type idempotencyItem struct {
	itemKey
	Fingerprint string `dynamodbav:"fingerprint"`
	Answer      blob   `dynamodbav:"answer"`
	// Expires is in seconds since 1970.
	Expires int64 `dynamodbav:"expires"`
}

// recordIdempotency adds the record to the write, and returns its index, or
// -1 where there is none. A record that has expired counts as absent: the
// table's TTL removes it late.
func (w *write) recordIdempotency(r *Repository, idem *instance.Idempotency) (int, error) {
	if idem == nil {
		return -1, nil
	}
	answer, err := newBlob(idem.Answer)
	if err != nil {
		return -1, err
	}
	item := idempotencyItem{idempotencyKey(idem), idem.Fingerprint, answer, idem.ExpiresAt.Unix()}
	if len(answer.Data)+len(item.Fingerprint)+len(item.PK) > maxItemBytes {
		return -1, fmt.Errorf("answer to record: %w", instance.ErrTooLarge)
	}
	expired := expression.Name("expires").LessThanEqual(expression.Value(r.now().Unix()))
	return w.put(r, item, absent().Or(expired))
}

// repeated returns the error for a record that is there already.
func repeated(idem *instance.Idempotency, there map[string]types.AttributeValue) error {
	var item idempotencyItem
	if err := attributevalue.UnmarshalMap(there, &item); err != nil {
		return fmt.Errorf("decode idempotency record: %w", err)
	}
	answer, err := item.Answer.bytes()
	if err != nil {
		return fmt.Errorf("decode idempotency record: %w", err)
	}
	return &instance.RepeatedError{Recorded: instance.Idempotency{
		Owner: idem.Owner, Route: idem.Route, Key: idem.Key,
		Fingerprint: item.Fingerprint, Answer: answer, ExpiresAt: time.Unix(item.Expires, 0).UTC(),
	}}
}
