package dynamo

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"instances/pkg/instance"
)

const (
	// maxKnown bounds how many collections a directory remembers.
	maxKnown = 4096
	// knownFor is how long a directory remembers one. Stored entries are not
	// removed until they are much older, so nobody relies on one that is gone.
	knownFor = 10 * time.Minute
)

// directory remembers for a while which collections this process has seen in
// the stored directory, to save writing them again.
type directory struct {
	mu    sync.Mutex
	known map[itemKey]time.Time
}

func newDirectory() *directory { return &directory{known: map[itemKey]time.Time{}} }

// knows reports whether the entry is known to be stored.
func (d *directory) knows(k itemKey, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	since, ok := d.known[k]
	age := now.Sub(since)
	return ok && 0 <= age && age < knownFor
}

// learn records that the entry was stored at that time.
func (d *directory) learn(k itemKey, at time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.known) >= maxKnown {
		clear(d.known)
	}
	d.known[k] = at
}

// forget is the opposite of learn.
func (d *directory) forget(k itemKey) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.known, k)
}

// directoryItem says that a collection is in use.
type directoryItem struct {
	itemKey
	// At is when it was entered last, in seconds since 1970.
	At int64 `dynamodbav:"at,omitempty"`
}

// enter makes sure that the collection is in the stored directory before an
// instance is stored in it: a crash in between leaves an empty collection, which
// [Repository.Tidy] finds, and never a hidden instance. Only numbered kinds have a
// directory, since queries for other kinds name their collections.
func (r *Repository) enter(ctx context.Context, kind instance.Kind, collection string) error {
	if kind.Order != instance.OrderNumber || r.directory.knows(directoryKey(kind, collection), r.now()) {
		return nil
	}
	return r.enterAll(ctx, kind, collection)
}

// enterAll stores the collections in the directory as of now, whether or not
// they are there.
func (r *Repository) enterAll(ctx context.Context, kind instance.Kind, collections ...string) error {
	now := r.now()
	// Writing the entries twice changes nothing, so they need no marker.
	w := r.transaction("enter collection")
	for _, collection := range collections {
		w.put(directoryItem{directoryKey(kind, collection), seconds(now)}, always(), nil)
	}
	if _, err := w.repeat(ctx); err != nil {
		return err
	}
	for _, collection := range collections {
		r.directory.learn(directoryKey(kind, collection), now)
	}
	return nil
}

// collections yields the collections in the directory, in order, starting at
// from.
func (r *Repository) collections(ctx context.Context, kind instance.Kind, from string) iter.Seq2[string, error] {
	key := expression.Key("pk").Equal(expression.Value(directoryKey(kind, "").PK))
	if from != "" {
		key = key.And(expression.Key("sk").GreaterThanEqual(expression.Value(from)))
	}
	pages := r.query(ctx, key, nil, func(in *dynamodb.QueryInput) { in.ConsistentRead = aws.Bool(true) })
	return each(pages, func(i item) (string, error) {
		entry, err := decode[itemKey](i)
		return entry.SK, err
	})
}
