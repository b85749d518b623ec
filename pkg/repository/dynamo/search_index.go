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
	// text is what is searched for.
	text string
	// projected are what the index tells of an instance besides.
	projected []string
}

// equal returns the index to search, the most selective one of those for which q
// gives a text.
func (s *search) equal() (equality, bool) {
	switch m := s.match; {
	case m.Group != "":
		return equality{groupIndex, "gpk", "gsk", m.Group, []string{foldedName, foldedSubGroup, status}}, true
	case m.SubGroup != "":
		return equality{subGroupIndex, "spk", "ssk", m.SubGroup, []string{foldedName, status}}, true
	case m.Status != "":
		return equality{statusIndex, "tpk", "tsk", m.Status, []string{foldedName}}, true
	default:
		return equality{}, false
	}
}

// byEquality yields the instances that the index has for its text. Where the
// collections ascend, as the index does, they are one range of it: what it has of
// others in between is read too.
func (s *search) byEquality(ctx context.Context, e equality) iter.Seq2[instance.Instance, error] {
	partition := indexPartition(s.q.Kind, e.text)
	if s.q.Collections == nil {
		after := ""
		if s.q.After.SortKey != "" {
			after = joined(s.q.After.Collection, s.q.After.SortKey)
		}
		return s.verified(ctx, s.entries(ctx, e, within(e.partitionKey, partition, e.sortKey, after)))
	}
	between := func(first, last string) iter.Seq2[[]itemKey, error] {
		from := joined(first, s.after(first))
		if s.after(first) != "" {
			from += nul // The first text after it.
		}
		return s.entries(ctx, e, expression.Key(e.partitionKey).Equal(expression.Value(partition)).
			And(expression.Key(e.sortKey).Between(expression.Value(from), expression.Value(last+"\x01"))))
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

// entries yields what a range of the index has. In a table with an old layout the
// index may not have what other texts need.
func (s *search) entries(ctx context.Context, e equality, key expression.KeyConditionBuilder) iter.Seq2[[]itemKey, error] {
	if !s.layout.complete {
		return s.hits(s.r.query(ctx, key, nil, s.growing(e.index, leastPage)))
	}
	filter := s.filter(e.projected...)
	return s.hits(s.r.query(ctx, key, filter, s.growing(e.index, leastOf(filter))))
}
