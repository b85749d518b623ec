package dynamo

import (
	"context"
	"fmt"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"instances/pkg/instance"
)

// The indexes of the table.
const (
	codeIndex     = "CodeIndex"
	groupIndex    = "GroupIndex"
	subGroupIndex = "SubGroupIndex"
	statusIndex   = "StatusIndex"
	nameIndex     = "NameIndex"
	idleIndex     = "IdleIndex"
)

// The attributes by which DynamoDB leaves out what does not match.
const (
	foldedName     = "fname"
	foldedSubGroup = "fsubgroup"
	status         = "status"
)

// A search with a filter and a limit starts with small pages, which are enough for
// a text that most entries have. Each further page is larger by a factor, since few
// of them have it then. Pages stay so small that DynamoDB answers several at the
// same time in a fraction of [attemptTimeout].
const (
	leastPage  = 100
	pageGrowth = 4
	mostPage   = 1000
)

// filter is the condition that an item or index entry with these attributes has
// the texts that q asks for. It is nil if that is all of them.
func (s *search) filter(attributes ...string) *expression.ConditionBuilder {
	var all *expression.ConditionBuilder
	for _, attribute := range attributes {
		var one expression.ConditionBuilder
		switch name := expression.Name(attribute); {
		case attribute == foldedName && s.match.Name != "":
			one = expression.Contains(name, s.match.Name)
			if s.former.Name != s.match.Name {
				one = one.Or(expression.Contains(name, s.former.Name))
			}
		case attribute == foldedSubGroup && s.match.SubGroup != "":
			one = name.Equal(expression.Value(s.match.SubGroup))
			if s.former.SubGroup != s.match.SubGroup {
				one = one.Or(name.Equal(expression.Value(s.former.SubGroup)))
			}
		case attribute == status && s.match.Status != "":
			one = name.Equal(expression.Value(s.match.Status))
		default:
			continue
		}
		if all != nil {
			one = all.And(one)
		}
		all = &one
	}
	return all
}

// leastOf returns how many entries the first page has at least, with that filter.
func leastOf(filter *expression.ConditionBuilder) int {
	if filter == nil {
		return 0
	}
	return leastPage
}

// growing returns how to read pages of an index: of as many entries as answers are
// wanted, and of least at least.
func (s *search) growing(index string, least int) func(*dynamodb.QueryInput) {
	// The pages may be read while the consumer counts.
	wanted := s.left
	return func(in *dynamodb.QueryInput) {
		in.IndexName, in.ProjectionExpression = &index, aws.String("pk, sk")
		in.Limit = aws.Int32(int32(min(max(wanted, least), mostPage)))
		least = min(least*pageGrowth, mostPage)
	}
}

// hits yields the keys in pages of index entries, of instances in the collections
// that q asks for.
func (s *search) hits(pages iter.Seq2[[]item, error]) iter.Seq2[[]itemKey, error] {
	return func(yield func([]itemKey, error) bool) {
		for items, err := range pages {
			var keys []itemKey
			if err == nil {
				keys, err = s.keys(items)
			}
			if !yield(keys, err) || err != nil {
				return
			}
		}
	}
}

// keys returns the keys in index entries, of instances in the collections that q
// asks for.
func (s *search) keys(items []item) ([]itemKey, error) {
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

// verified yields the instances with the keys, in the same order, each read again
// consistently. It reads no batch ahead: one can have 30 MB.
func (s *search) verified(ctx context.Context, hits iter.Seq2[[]itemKey, error]) iter.Seq2[instance.Instance, error] {
	return concat(s.batches(hits), func(keys []itemKey) iter.Seq2[instance.Instance, error] {
		return s.r.getAll(ctx, s.q.Kind, keys)
	})
}

// batches yields the same keys, as many at once as are wanted, and more each time
// if some of the instances no longer match.
func (s *search) batches(hits iter.Seq2[[]itemKey, error]) iter.Seq2[[]itemKey, error] {
	return func(yield func([]itemKey, error) bool) {
		least := 1
		size := func() int { return min(maxBatch, max(s.left, least)) }
		var waiting []itemKey
		for keys, err := range hits {
			if err != nil {
				yield(nil, err)
				return
			}
			waiting = append(waiting, keys...)
			for n := size(); len(waiting) >= n; n = size() {
				if !yield(waiting[:n], nil) {
					return
				}
				waiting, least = waiting[n:], min(least*pageGrowth, maxBatch)
			}
		}
		for len(waiting) > 0 {
			n := min(len(waiting), size())
			if !yield(waiting[:n], nil) {
				return
			}
			waiting, least = waiting[n:], min(least*pageGrowth, maxBatch)
		}
	}
}
