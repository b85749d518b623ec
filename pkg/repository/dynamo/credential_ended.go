package dynamo

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"instances/pkg/auth"
)

// endingItem says when a key ends or has ended.
type endingItem struct {
	itemKey
	Hash string `dynamodbav:"hash"`
}

// ending returns the item that says when the key ends, or false if it never
// does.
func ending(c auth.Credential) (endingItem, bool) {
	at := c.EndedAt()
	if at.IsZero() {
		return endingItem{}, false
	}
	return endingItem{endingKey(at.Truncate(time.Second), c.Hash), c.Hash}, true
}

// putEnding stores the item that says when the key ends, if it does.
func (w *transaction) putEnding(c auth.Credential) {
	if e, ok := ending(c); ok {
		w.put(e, always(), nil)
	}
}

// removeEnding removes the item that says when the key ends, if it does.
func (w *transaction) removeEnding(c auth.Credential) {
	if e, ok := ending(c); ok {
		w.remove(e.itemKey, always(), nil)
	}
}

// EndedCredentials yields the keys that ended before that time; see
// [auth.CredentialPurger]. It costs what has ended.
func (r *Repository) EndedCredentials(ctx context.Context, before time.Time) iter.Seq2[auth.Credential, error] {
	end := endingKey(before, "")
	key := expression.Key("pk").Equal(expression.Value(end.PK)).
		And(expression.Key("sk").LessThan(expression.Value(end.SK)))
	pages := r.query(ctx, key, nil,
		func(in *dynamodb.QueryInput) { in.ConsistentRead, in.Limit = aws.Bool(true), aws.Int32(maxBatch) })
	return named("ended keys", concat(pages, func(items []item) iter.Seq2[auth.Credential, error] {
		return r.endedOf(ctx, items)
	}))
}

// endedOf yields the keys that the items name, unless they end elsewhere now.
func (r *Repository) endedOf(ctx context.Context, items []item) iter.Seq2[auth.Credential, error] {
	var endings []endingItem
	if err := attributevalue.UnmarshalListOfMaps(items, &endings); err != nil {
		return failed[auth.Credential](fmt.Errorf("decode: %w", err))
	}
	keys := make([]itemKey, len(endings))
	for n, e := range endings {
		keys[n] = secretKey(e.Hash)
	}
	return func(yield func(auth.Credential, error) bool) {
		found, err := r.batchGet(ctx, keys)
		if err != nil {
			yield(auth.Credential{}, err)
			return
		}
		for n, e := range endings {
			stored, ok := found[keys[n]]
			if !ok {
				continue
			}
			c, err := readCredential(stored)
			// It may have been revoked between the two reads.
			if is, ok := ending(c); err == nil && (!ok || is.itemKey != e.itemKey) {
				continue
			}
			if !yield(c, err) || err != nil {
				return
			}
		}
	}
}
