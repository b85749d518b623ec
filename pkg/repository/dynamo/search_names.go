package dynamo

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"instances/pkg/instance"
)

// A walk starts with small pages, which are enough for a text that is in most
// names. Each further page is larger by a factor, since the text then is in few.
const (
	leastWalk  = 100
	walkGrowth = 4
	mostWalk   = 10_000
)

// walkNames yields the instances in a collection whose projection in NameIndex
// has every text that q asks for.
func (s *search) walkNames(ctx context.Context, collection, after string) iter.Seq2[instance.Instance, error] {
	return s.verified(ctx, s.r.query(ctx, within("npk", indexPartition(s.q.Kind, collection), "nsk", after), s.filter(),
		func(in *dynamodb.QueryInput) {
			in.IndexName = aws.String(nameIndex)
			s.walked = min(mostWalk, max(leastWalk, s.walked*walkGrowth))
			in.Limit = s.page(s.walked)
		}))
}

// filter is the condition by which DynamoDB leaves entries out.
func (s *search) filter() *expression.ConditionBuilder {
	var parts []expression.ConditionBuilder
	if s.match.Name != "" {
		parts = append(parts, expression.Contains(expression.Name("fname"), s.match.Name))
	}
	if s.match.Group != "" {
		parts = append(parts, expression.Name("fgroup").Equal(expression.Value(s.match.Group)))
	}
	if s.match.SubGroup != "" {
		parts = append(parts, expression.Name("fsubgroup").Equal(expression.Value(s.match.SubGroup)))
	}
	if s.match.Status != "" {
		parts = append(parts, expression.Name("status").Equal(expression.Value(s.match.Status)))
	}
	all := parts[0]
	for _, part := range parts[1:] {
		all = all.And(part)
	}
	return &all
}
