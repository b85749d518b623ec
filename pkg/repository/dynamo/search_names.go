package dynamo

import (
	"context"
	"iter"

	"instances/pkg/instance"
)

// walkNames yields the instances whose name has the text that q asks for.
func (s *search) walkNames(ctx context.Context) iter.Seq2[instance.Instance, error] {
	least := leastPage
	return s.verified(ctx, concat(s.collections(ctx), func(collection string) iter.Seq2[[]itemKey, error] {
		pages := s.r.query(ctx, within("npk", indexPartition(s.q.Kind, collection), "sk", s.after(collection)),
			s.filter(foldedName), s.growing(nameIndex, least))
		least = min(least*pageGrowth, mostPage)
		return s.hits(pages)
	}))
}
