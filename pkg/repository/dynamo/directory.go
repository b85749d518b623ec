package dynamo

import (
	"context"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/instance"
)

// maxKnown bounds the memory of a directory.
const maxKnown = 4096

// directory remembers which collections this process has seen in the stored
// directory, so that they are written there once only.
type directory struct {
	mu    sync.Mutex
	known map[itemKey]struct{}
}

func newDirectory() *directory { return &directory{known: map[itemKey]struct{}{}} }

// knows reports whether the entry is known to be stored.
func (d *directory) knows(k itemKey) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, ok := d.known[k]
	return ok
}

// learn remembers that the entry is stored.
func (d *directory) learn(k itemKey) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.known) >= maxKnown {
		clear(d.known)
	}
	d.known[k] = struct{}{}
}

// enter makes sure that the collection is in the stored directory, before an
// instance is stored in it: a crash in between leaves an empty collection,
// which is harmless, and never a hidden instance. Only numbered kinds have a
// directory: queries of the others name their collections.
func (r *Repository) enter(ctx context.Context, kind instance.Kind, collection string) error {
	key := directoryKey(kind, collection)
	if kind.Order != instance.OrderNumber || r.directory.knows(key) {
		return nil
	}
	// The entry is put once or twice alike, so that it needs no marker.
	w := newWrite("enter collection")
	if _, err := w.put(r, key, absent()); err != nil {
		return err
	}
	if err := w.repeat(ctx, r); err != nil {
		return err
	}
	r.directory.learn(key)
	return nil
}

// collections calls each with every collection of the directory, in order,
// that is not before from.
func (r *Repository) collections(ctx context.Context, kind instance.Kind, from string, each func(string) error) error {
	key := expression.Key("pk").Equal(expression.Value(directoryKey(kind, "").PK))
	if from != "" {
		key = key.And(expression.Key("sk").GreaterThanEqual(expression.Value(from)))
	}
	return r.query(ctx, key, nil,
		func(in *dynamodb.QueryInput) { in.ConsistentRead = aws.Bool(true) },
		func(items []map[string]types.AttributeValue) error {
			for _, item := range items {
				var entry itemKey
				if err := attributevalue.UnmarshalMap(item, &entry); err != nil {
					return fmt.Errorf("decode directory: %w", err)
				}
				if err := each(entry.SK); err != nil {
					return err
				}
			}
			return nil
		})
}
