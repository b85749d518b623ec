package dynamo

import (
	"context"
	"fmt"
	"iter"

	"instances/pkg/instance"
)

// The indexes of the table.
const (
	codeIndex  = "CodeIndex"
	groupIndex = "GroupIndex"
	nameIndex  = "NameIndex"
	idleIndex  = "IdleIndex"
)

// hits returns the keys in index entries, of instances in the collections that q
// asks for.
func (s *search) hits(items []item) ([]itemKey, error) {
	keys := make([]itemKey, 0, len(items))
	for _, item := range items {
		key, err := decode[itemKey](item)
		if err != nil {
			return nil, err
		}
		collection, ok := collectionOf(s.q.Kind, key.PK)
		if !ok {
			return nil, fmt.Errorf("index entry of %q", key.PK)
		}
		if s.asks(collection, key.SK) {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// verified yields the instances that index entries name, in the same order, each
// read again consistently. It misses those that the index does not name yet.
func (s *search) verified(ctx context.Context, entries iter.Seq2[[]item, error]) iter.Seq2[instance.Instance, error] {
	return concat(entries, func(items []item) iter.Seq2[instance.Instance, error] {
		return func(yield func(instance.Instance, error) bool) {
			hits, err := s.hits(items)
			if err != nil {
				yield(instance.Instance{}, err)
				return
			}
			for len(hits) > 0 {
				n := min(len(hits), maxBatch, max(s.left, s.batch))
				for i, err := range s.r.getAll(ctx, s.q.Kind, hits[:n]) {
					if !yield(i, err) || err != nil {
						return
					}
				}
				hits = hits[n:]
			}
		}
	})
}
