package dynamo

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/fold"
	"instances/pkg/instance"
)

// byCode gives the one instance that has the code. The index is asked first;
// where it does not know who has the code, the guard does.
func (s *search) byCode(ctx context.Context) error {
	var holder *instance.Instance
	err := s.r.query(ctx, within("cpk", indexPartition(s.q.Kind, s.match.Code), "", ""), nil,
		func(in *dynamodb.QueryInput) { in.IndexName = aws.String(codeIndex) },
		func(items []map[string]types.AttributeValue) error {
			hits, err := s.hits(items)
			if err != nil {
				return err
			}
			return s.verify(ctx, hits, func(i instance.Instance) error {
				// Stale entries of a former holder are passed over.
				if fold.String(i.Code) != s.match.Code {
					return nil
				}
				holder = &i
				return errEnough
			})
		})
	if err := enough(err); err != nil {
		return err
	}
	if holder == nil {
		if holder, err = s.guarded(ctx); err != nil || holder == nil {
			return err
		}
	}
	if !s.asks(holder.Collection, holder.SortKey()) {
		return nil
	}
	return s.give(*holder)
}

// guarded returns the instance that the guard of the code names, or nil.
func (s *search) guarded(ctx context.Context) (*instance.Instance, error) {
	attributes, err := s.r.getItem(ctx, guardKey(s.q.Kind, s.match.Code))
	if err != nil || len(attributes) == 0 {
		return nil, err
	}
	var guard guardItem
	if err := attributevalue.UnmarshalMap(attributes, &guard); err != nil {
		return nil, fmt.Errorf("decode guard: %w", err)
	}
	i, err := s.r.Get(ctx, instance.Key{Kind: s.q.Kind, Collection: guard.Collection, ID: guard.ID})
	// Deleted since the guard was read is no error.
	if errors.Is(err, instance.ErrNotFound) {
		return nil, nil
	}
	return &i, err
}
