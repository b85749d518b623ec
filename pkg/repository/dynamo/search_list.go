package dynamo

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"instances/pkg/instance"
)

// list yields the instances that have what q asks for, each read consistently.
func (s *search) list(ctx context.Context) iter.Seq2[instance.Instance, error] {
	filter := s.filter(foldedName, foldedSubGroup, status)
	least := leastOf(filter)
	pages := concat(s.collections(ctx), func(collection string) iter.Seq2[[]item, error] {
		return s.r.query(ctx, within("pk", partition(s.q.Kind, collection), "sk", s.after(collection)), filter,
			func(in *dynamodb.QueryInput) {
				in.ConsistentRead, in.Limit = aws.Bool(true), s.page(least)
				least = min(least*pageGrowth, mostPage)
			})
	})
	return each(pages, func(i item) (instance.Instance, error) { return readInstance(s.q.Kind, i) })
}
