package dynamo

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"instances/pkg/instance"
	"instances/pkg/repository"
)

// Search yields the instances that q asks for, in ascending order, each as it
// is when it is read. It reads ahead by one page at most, and not at all once
// nobody wants more. An error is yielded once, at the end; a position of
// q.After that does not fit q is [instance.ErrCursor].
//
// What it costs: a code costs one hit. A group costs its hits. A list costs
// what it lists. A subgroup or a status beside the group makes that no
// cheaper: each hit of the group is read. A name, a group with a name, and a
// subgroup or a status alone read the projection of every instance of the
// collections, until q.Limit is reached, and then what they found.
// An instance that just got a new group, subgroup, name or status may not be
// found by it for a moment; by its code, it always is.
func (r *Repository) Search(ctx context.Context, q instance.Query) iter.Seq2[instance.Instance, error] {
	return func(yield func(instance.Instance, error) bool) {
		if err := repository.CheckQuery(q); err != nil {
			yield(instance.Instance{}, err)
			return
		}
		s := &search{r: r, q: q, match: repository.NewMatcher(q), quota: newQuota(q.Limit), yield: yield}
		if err := enough(s.run(ctx)); err != nil {
			yield(instance.Instance{}, fmt.Errorf("search %s: %w", q.Kind, err))
		}
	}
}

// search is one search under way. Its steps return errEnough when nothing
// more is wanted.
type search struct {
	r     *Repository
	q     instance.Query
	match repository.Matcher
	*quota
	yield func(instance.Instance, error) bool
	// after is the sort key of q.After.
	after string
	// walked is how many entries the last page of a walk read at most.
	walked int
	// batch is how many hits are read at once at least, even where fewer are
	// wanted.
	batch int
}

func (s *search) run(ctx context.Context) error {
	if s.q.After.SortKey != "" {
		s.after = s.q.After.SortKey
		if !validPosition(s.q.After) || s.q.Collections != nil && !slices.Contains(s.q.Collections, s.q.After.Collection) {
			return instance.ErrCursor
		}
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

// give hands an instance out, if it is asked for.
func (s *search) give(i instance.Instance) error {
	if !s.match.Match(i) {
		return nil
	}
	if !s.yield(i, nil) || s.take() {
		return errEnough
	}
	return nil
}

// asks reports whether q asks for what is at the place: it is in one of the
// collections, and after q.After.
func (s *search) asks(collection, sortKey string) bool {
	if s.q.Collections != nil && !slices.Contains(s.q.Collections, collection) {
		return false
	}
	if s.after == "" {
		return true
	}
	if collection == s.q.After.Collection {
		return sortKey > s.after
	}
	if s.q.Collections != nil {
		return slices.Index(s.q.Collections, collection) > slices.Index(s.q.Collections, s.q.After.Collection)
	}
	return collection > s.q.After.Collection
}

// eachCollection calls walk for each collection that q asks for, in order,
// with the sort key that it is to begin after, empty for its start.
func (s *search) eachCollection(ctx context.Context, walk func(ctx context.Context, collection, after string) error) error {
	step := func(collection string) error {
		after := ""
		if s.after != "" && collection == s.q.After.Collection {
			after = s.after
		}
		return walk(ctx, collection, after)
	}
	if s.q.Collections == nil {
		return s.r.collections(ctx, s.q.Kind, s.q.After.Collection, step)
	}
	from := 0
	if s.after != "" {
		from = slices.Index(s.q.Collections, s.q.After.Collection)
	}
	for _, collection := range s.q.Collections[from:] {
		if err := step(collection); err != nil {
			return err
		}
	}
	return nil
}
