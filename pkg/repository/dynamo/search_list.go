package dynamo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// list gives every instance of a collection, read consistently.
func (s *search) list(ctx context.Context, collection, after string) error {
	return s.r.query(ctx, within("pk", partition(s.q.Kind, collection), "sk", after), nil,
		func(in *dynamodb.QueryInput) { in.ConsistentRead, in.Limit = aws.Bool(true), s.page(0) },
		func(items []map[string]types.AttributeValue) error {
			for _, item := range items {
				i, err := readInstance(s.q.Kind, item)
				if err != nil {
					return err
				}
				if err := s.give(i); err != nil {
					return err
				}
			}
			return nil
		})
}
