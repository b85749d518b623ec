package dynamo

import (
	"context"
	"iter"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"instances/pkg/instance"
)

// maxHits is the greatest number of index entries to read at once: as many as
// one batch reads again.
const maxHits = 100

// byGroup yields the instances in the group, of all collections at once if q
// names none.
func (s *search) byGroup(ctx context.Context) iter.Seq2[instance.Instance, error] {
	partition := indexPartition(s.q.Kind, s.match.Group)
	if s.q.Collections == nil {
		after := ""
		if s.q.After.SortKey != "" {
			after = joined(s.q.After.Collection, s.q.After.SortKey)
		}
		return s.groupRange(ctx, within("gpk", partition, "gsk", after))
	}
	return s.eachCollection(ctx, func(ctx context.Context, collection, after string) iter.Seq2[instance.Instance, error] {
		first, last := joined(collection, after), collection+"\x01"
		if after != "" {
			first += nul // The first text after it.
		}
		return s.groupRange(ctx, expression.Key("gpk").Equal(expression.Value(partition)).
			And(expression.Key("gsk").Between(expression.Value(first), expression.Value(last))))
	})
}

// groupRange yields the instances in a range of GroupIndex. The index does not
// tell which of them have a subgroup or status that is asked for too, so it reads
// more at once with each page.
func (s *search) groupRange(ctx context.Context, key expression.KeyConditionBuilder) iter.Seq2[instance.Instance, error] {
	return s.verified(ctx, s.r.query(ctx, key, nil, func(in *dynamodb.QueryInput) {
		if s.match.SubGroup != "" || s.match.Status != "" {
			s.batch = min(maxHits, max(s.left, s.batch*walkGrowth))
		}
		in.IndexName, in.Limit = aws.String(groupIndex), aws.Int32(int32(min(max(s.left, s.batch), maxHits)))
	}))
}
