package dynamo

import (
	"context"
	"errors"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"instances/pkg/fold"
	"instances/pkg/instance"
)

// byCode yields the instance that has the code.
func (s *search) byCode(ctx context.Context) iter.Seq2[instance.Instance, error] {
	return func(yield func(instance.Instance, error) bool) {
		holder, err := s.holder(ctx)
		switch {
		case errors.Is(err, instance.ErrNotFound):
		case err != nil:
			yield(instance.Instance{}, err)
		case s.asks(holder.Collection, holder.SortKey()):
			yield(holder, nil)
		}
	}
}

// holder returns the instance that has the code, or [instance.ErrNotFound]. What
// the index does not know yet, the guard does.
func (s *search) holder(ctx context.Context) (instance.Instance, error) {
	entries := s.r.query(ctx, within("cpk", indexPartition(s.q.Kind, s.match.Code), "", ""), nil,
		func(in *dynamodb.QueryInput) { in.IndexName = aws.String(codeIndex) })
	for i, err := range s.verified(ctx, s.hits(entries)) {
		// An entry may be of a former holder.
		if err != nil || fold.String(i.Code) == s.match.Code {
			return i, err
		}
	}
	attributes, err := s.r.getItem(ctx, guardKey(s.q.Kind, s.match.Code))
	if err != nil {
		return instance.Instance{}, err
	}
	if len(attributes) == 0 {
		return instance.Instance{}, instance.ErrNotFound
	}
	guard, err := decode[guardItem](attributes)
	if err != nil {
		return instance.Instance{}, err
	}
	return s.r.Get(ctx, instance.Key{Kind: s.q.Kind, Collection: guard.Collection, ID: guard.ID})
}
