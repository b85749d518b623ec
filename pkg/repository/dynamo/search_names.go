package dynamo

import (
	"context"
	"iter"

	"instances/pkg/instance"
)

// maxWalkers is how many collections a walk reads at the same time.
const maxWalkers = 8

// walkNames yields the instances whose name has the text that q asks for. It reads
// NameIndex collection by collection: at first one, if only some answers are
// wanted, and then as many at the same time as it probably takes.
func (s *search) walkNames(ctx context.Context) iter.Seq2[instance.Instance, error] {
	least, found, wanted := leastPage, 0, *s.quota
	width := func(done int) int {
		switch {
		case !wanted.limited():
			return maxWalkers
		case found == 0:
			return min(1<<min(done, maxWalkers), maxWalkers)
		default:
			perCollection := float64(found) / float64(done)
			return min(1+int(float64(wanted.left-found)/perCollection), maxWalkers)
		}
	}
	hits := ahead(ctx, s.collections(ctx), width, func(ctx context.Context, collection string) iter.Seq2[[]itemKey, error] {
		pages := s.r.query(ctx, within("npk", indexPartition(s.q.Kind, collection), "sk", s.after(collection)),
			s.filter(foldedName), s.growing(nameIndex, least))
		least = min(least*pageGrowth, mostPage)
		return gathered(s.hits(pages), min(s.left, mostPage))
	})
	return s.verified(ctx, func(yield func([]itemKey, error) bool) {
		for keys, err := range hits {
			found += len(keys)
			if !yield(keys, err) {
				return
			}
		}
	})
}

// gathered yields the keys of as many pages together as have n of them, so that a
// walker does not wait for its consumer with next to nothing.
func gathered(pages iter.Seq2[[]itemKey, error], n int) iter.Seq2[[]itemKey, error] {
	return func(yield func([]itemKey, error) bool) {
		var keys []itemKey
		for page, err := range pages {
			if err != nil {
				yield(nil, err)
				return
			}
			if keys = append(keys, page...); len(keys) >= n {
				if !yield(keys, nil) {
					return
				}
				keys = nil
			}
		}
		if len(keys) > 0 {
			yield(keys, nil)
		}
	}
}
