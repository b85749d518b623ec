package dynamo

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"instances/pkg/instance"
)

// listPage is how many instances of a whole list are read at once: not many, so
// that the first ones soon leave.
const listPage = 1000

// list yields the instances that have what q asks for, each read consistently. If
// all are wanted, it reads the next pages while the consumer has the ones before.
func (s *search) list(ctx context.Context) iter.Seq2[instance.Instance, error] {
	filter := s.filter(foldedName, foldedSubGroup, status)
	width, least := 1, leastOf(filter)
	size := func() *int32 {
		n := s.page(least)
		least = min(least*pageGrowth, mostPage)
		return n
	}
	if !s.limited() {
		width = 2
		size = func() *int32 { return nil }
		if filter == nil {
			size = func() *int32 { return aws.Int32(listPage) }
		}
	}
	pages := ahead(ctx, s.collections(ctx), func(int) int { return width },
		func(ctx context.Context, collection string) iter.Seq2[[]item, error] {
			return s.r.query(ctx, within("pk", partition(s.q.Kind, collection), "sk", s.after(collection)), filter,
				func(in *dynamodb.QueryInput) { in.ConsistentRead, in.Limit = aws.Bool(true), size() })
		})
	return each(pages, func(i item) (instance.Instance, error) { return readInstance(s.q.Kind, i) })
}
