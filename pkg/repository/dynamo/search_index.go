package dynamo

import (
	"context"
	"iter"
	"slices"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"

	"instances/pkg/instance"
)

// equality is an index for a text that is searched for as a whole. Each text has
// a partition, in the order of answers.
type equality struct {
	index, partitionKey, sortKey string
	// text is what is searched for, and former the same as it was folded in layout 2.
	text, former string
	// projected are what the index tells of an instance besides.
	projected []string
}

// equal returns the index to search, the most selective one of those for which q
// gives a text.
func (s *search) equal() (equality, bool) {
	switch m, former := s.match, s.former; {
	case m.Group != "":
		return equality{groupIndex, "gpk", "gsk", m.Group, former.Group, []string{foldedName, foldedSubGroup, status}}, true
	case m.SubGroup != "":
		return equality{subGroupIndex, "spk", "ssk", m.SubGroup, former.SubGroup, []string{foldedName, status}}, true
	case m.Status != "":
		return equality{statusIndex, "tpk", "tsk", m.Status, former.Status, []string{foldedName}}, true
	default:
		return equality{}, false
	}
}

// byEquality yields the instances that the index has for its text. Where the
// collections ascend, as the index does, they are one range of it: what it has of
// others in between is read too.
func (s *search) byEquality(ctx context.Context, e equality) iter.Seq2[instance.Instance, error] {
	if s.q.Collections == nil {
		after := ""
		if s.q.After.SortKey != "" {
			after = joined(s.q.After.Collection, s.q.After.SortKey)
		}
		return s.verified(ctx, s.entries(ctx, e, func(partition string) expression.KeyConditionBuilder {
			return within(e.partitionKey, partition, e.sortKey, after)
		}))
	}
	between := func(first, last string) iter.Seq2[[]itemKey, error] {
		from := joined(first, s.after(first))
		if s.after(first) != "" {
			from += nul // The first text after it.
		}
		return s.entries(ctx, e, func(partition string) expression.KeyConditionBuilder {
			return expression.Key(e.partitionKey).Equal(expression.Value(partition)).
				And(expression.Key(e.sortKey).Between(expression.Value(from), expression.Value(last+"\x01")))
		})
	}
	if all := s.q.Collections; len(all) > 0 && slices.IsSorted(all) {
		first := all[0]
		if s.q.After.SortKey != "" {
			first = s.q.After.Collection
		}
		return s.verified(ctx, between(first, all[len(all)-1]))
	}
	return s.verified(ctx, concat(s.collections(ctx), func(collection string) iter.Seq2[[]itemKey, error] {
		return between(collection, collection)
	}))
}

// entries yields what a range of the index has for the text. In a table with an old
// layout the index may not have what other texts need.
func (s *search) entries(ctx context.Context, e equality, within func(partition string) expression.KeyConditionBuilder) iter.Seq2[[]itemKey, error] {
	of := func(text string) iter.Seq2[[]itemKey, error] {
		key := within(indexPartition(s.q.Kind, text))
		if !s.layout.indexed {
			return s.hits(s.r.query(ctx, key, nil, s.growing(e.index, leastPage)))
		}
		filter := s.filter(e.projected...)
		return s.hits(s.r.query(ctx, key, filter, s.growing(e.index, leastOf(filter))))
	}
	if e.former == e.text {
		return of(e.text)
	}
	return s.merged(of(e.text), of(e.former))
}

// merged yields the keys of both in their order.
func (s *search) merged(a, b iter.Seq2[[]itemKey, error]) iter.Seq2[[]itemKey, error] {
	return func(yield func([]itemKey, error) bool) {
		next, stop := iter.Pull2(b)
		defer stop()
		var waiting []itemKey
		more := true
		for keys, err := range a {
			for more && err == nil && len(keys) > 0 &&
				(len(waiting) == 0 || s.compare(waiting[len(waiting)-1], keys[len(keys)-1]) < 0) {
				var some []itemKey
				some, err, more = next()
				waiting = append(waiting, some...)
			}
			n := 0
			for n < len(waiting) && len(keys) > 0 && s.compare(waiting[n], keys[len(keys)-1]) <= 0 {
				n++
			}
			both := slices.Concat(keys, waiting[:n])
			slices.SortFunc(both, s.compare)
			if waiting = waiting[n:]; !yield(slices.Compact(both), err) || err != nil {
				return
			}
		}
		for err := error(nil); more || len(waiting) > 0; waiting, err, more = next() {
			if !yield(waiting, err) || err != nil {
				return
			}
		}
	}
}
