package dynamo

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"instances/pkg/instance"
)

// list yields every instance in a collection, read consistently.
func (s *search) list(ctx context.Context, collection, after string) iter.Seq2[instance.Instance, error] {
	pages := s.r.query(ctx, within("pk", partition(s.q.Kind, collection), "sk", after), nil,
		func(in *dynamodb.QueryInput) { in.ConsistentRead, in.Limit = aws.Bool(true), s.page(0) })
	return each(pages, func(i item) (instance.Instance, error) { return readInstance(s.q.Kind, i) })
}
