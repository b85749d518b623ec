package dynamo

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"instances/pkg/instance"
	"instances/pkg/repository"
)

// Search implements [instance.Searcher]. Answers come as they are read, a page of
// DynamoDB at a time.
//
// A search by code costs one hit. One by group, subgroup or status costs its hits:
// where q gives several, the index of the first in this order has the others, and
// the name, in its entries. A search by name reads a short entry of each instance
// that has a name until q.Limit is reached, and then what it found; with name rows,
// it costs its hits. A list costs what it lists. While the layout of the table is an
// old one, a search by subgroup, status or name costs as much as a list.
//
// Indexes lag: a search may miss a group, subgroup, name or status that was just
// written. A search by code never does. While the layout is not the newest, a text
// that was folded in another way before is found as it was then.
func (r *Repository) Search(ctx context.Context, q instance.Query) iter.Seq2[instance.Instance, error] {
	return func(yield func(instance.Instance, error) bool) {
		if err := repository.CheckQuery(q); err != nil {
			yield(instance.Instance{}, err)
			return
		}
		s := &search{r: r, q: q, match: repository.NewMatcher(q), former: formerMatcher(q), quota: newQuota(q.Limit)}
		for i, err := range s.candidates(ctx) {
			if err != nil {
				yield(instance.Instance{}, fmt.Errorf("search %s: %w", q.Kind, err))
				return
			}
			if s.match.Match(i) && (!yield(i, nil) || s.take()) {
				return
			}
		}
	}
}

// search is one search under way.
type search struct {
	r     *Repository
	q     instance.Query
	match repository.Matcher
	// former is match as texts were folded in layout 2.
	former repository.Matcher
	// layout is that of the table, where the search depends on it.
	layout layout
	*quota
}

// candidates yields instances, in order, that include all that match q.
func (s *search) candidates(ctx context.Context) iter.Seq2[instance.Instance, error] {
	if after := s.q.After; after.SortKey != "" &&
		(!validPosition(after) || s.q.Collections != nil && !slices.Contains(s.q.Collections, after.Collection)) {
		return failed[instance.Instance](instance.ErrCursor)
	}
	if s.match == (repository.Matcher{}) {
		return s.list(ctx)
	}
	if s.match.Code != "" && s.match == s.former {
		return s.byCode(ctx)
	}
	known, err := s.r.layout(ctx)
	if err != nil {
		return failed[instance.Instance](err)
	}
	s.layout = known
	if !known.mixed {
		s.former = s.match
	}
	e, ok := s.equal()
	switch {
	case s.match.Code != "":
		return s.byCode(ctx)
	case ok && (known.indexed || e.index == groupIndex):
		return s.byEquality(ctx, e)
	case !known.indexed:
		return s.list(ctx)
	case known.hasNames && s.r.indexedNames && s.q.Kind.NameSearch && s.match == s.former:
		return s.byNameRows(ctx)
	default:
		return s.walkNames(ctx)
	}
}

// asks reports whether q asks for what is at the position: whether that is in
// one of the collections, and after q.After.
func (s *search) asks(collection, sortKey string) bool {
	if s.q.Collections != nil && !slices.Contains(s.q.Collections, collection) {
		return false
	}
	if s.q.After.SortKey == "" {
		return true
	}
	if collection == s.q.After.Collection {
		return sortKey > s.q.After.SortKey
	}
	if s.q.Collections != nil {
		return slices.Index(s.q.Collections, collection) > slices.Index(s.q.Collections, s.q.After.Collection)
	}
	return collection > s.q.After.Collection
}

// after returns the sort key after which q asks for what is in the collection, or
// nothing if it asks for all.
func (s *search) after(collection string) string {
	if collection != s.q.After.Collection {
		return ""
	}
	return s.q.After.SortKey
}

// collections yields the collections that q asks for, starting at that of
// q.After.
func (s *search) collections(ctx context.Context) iter.Seq2[string, error] {
	if s.q.Collections == nil {
		return s.r.collections(ctx, s.q.Kind, s.q.After.Collection)
	}
	return func(yield func(string, error) bool) {
		from := 0
		if s.q.After.SortKey != "" {
			from = slices.Index(s.q.Collections, s.q.After.Collection)
		}
		for _, collection := range s.q.Collections[from:] {
			if !yield(collection, nil) {
				return
			}
		}
	}
}
