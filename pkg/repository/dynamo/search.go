package dynamo

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"instances/pkg/instance"
	"instances/pkg/repository"
)

// Search implements [instance.Searcher]. It reads ahead by one page at most.
//
// A search by code costs one hit, one by group its hits, a list what it lists. A
// subgroup or status next to the group makes that no cheaper, since every hit of
// the group is read. A search by name, by group and name, or by subgroup or status
// alone reads the projection of every instance in the collections until q.Limit is
// reached, and then what it found.
//
// Indexes lag: such a search may miss a group, subgroup, name or status that was
// just written. A search by code never does.
func (r *Repository) Search(ctx context.Context, q instance.Query) iter.Seq2[instance.Instance, error] {
	return func(yield func(instance.Instance, error) bool) {
		if err := repository.CheckQuery(q); err != nil {
			yield(instance.Instance{}, err)
			return
		}
		s := &search{r: r, q: q, match: repository.NewMatcher(q), quota: newQuota(q.Limit)}
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
	*quota
	// walked is the limit of the last page of a walk.
	walked int
	// batch is the least number of hits to read at once, even if fewer are
	// wanted.
	batch int
}

// candidates yields instances, in order, that include all that match q.
func (s *search) candidates(ctx context.Context) iter.Seq2[instance.Instance, error] {
	if after := s.q.After; after.SortKey != "" &&
		(!validPosition(after) || s.q.Collections != nil && !slices.Contains(s.q.Collections, after.Collection)) {
		return failed[instance.Instance](instance.ErrCursor)
	}
	switch m := s.match; {
	case m.Code != "":
		return s.byCode(ctx)
	case m.Group != "" && m.Name == "":
		return s.byGroup(ctx)
	case m.Group != "" || m.SubGroup != "" || m.Name != "" || m.Status != "":
		return s.eachCollection(ctx, s.walkNames)
	default:
		return s.eachCollection(ctx, s.list)
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

// eachCollection yields the elements of walk for each collection that q asks for,
// in order, starting after a sort key unless that is empty.
func (s *search) eachCollection(ctx context.Context,
	walk func(ctx context.Context, collection, after string) iter.Seq2[instance.Instance, error],
) iter.Seq2[instance.Instance, error] {
	return concat(s.collections(ctx), func(collection string) iter.Seq2[instance.Instance, error] {
		if collection == s.q.After.Collection {
			return walk(ctx, collection, s.q.After.SortKey)
		}
		return walk(ctx, collection, "")
	})
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
