package dynamo

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/instance"
)

// maxRows is how many name rows a search reads. A text that more names have is so
// common that a walk finds a page of answers just as soon.
const maxRows = 1000

// byNameRows yields the instances whose name has the text that q asks for. All rows
// are read before the first instance is, since they are not in the order of the
// answers. If there are too many, it walks.
func (s *search) byNameRows(ctx context.Context) iter.Seq2[instance.Instance, error] {
	return func(yield func(instance.Instance, error) bool) {
		switch hits, dense, err := s.readRows(ctx); {
		case err != nil:
			yield(instance.Instance{}, err)
		case dense:
			s.walkNames(ctx)(yield)
		default:
			s.verified(ctx, func(yield func([]itemKey, error) bool) { yield(hits, nil) })(yield)
		}
	}
}

// readRows returns the keys of the instances that name rows lead to, in the order
// of the answers, or reports that there are too many.
func (s *search) readRows(ctx context.Context) (hits []itemKey, dense bool, err error) {
	ctx, cancel := context.WithDeadline(ctx, s.layout.until)
	defer cancel()
	cutName := cutSuffix(s.match.Name)
	suffixes := expression.NewBuilder().WithKeyCondition(
		expression.Key("pk").Equal(expression.Value(suffixPartition(s.q.Kind, cutName))).
			And(expression.Key("sk").BeginsWith(cutName)))
	long := expression.NewBuilder().
		WithKeyCondition(expression.Key("pk").Equal(expression.Value(longNamePartition(s.q.Kind)))).
		WithFilter(expression.Contains(expression.Name("fname"), s.match.Name))
	var rows, longRows rowPage
	var reading sync.WaitGroup
	reading.Go(func() { rows = s.rowPage(ctx, suffixes, aws.Int32(maxRows)) })
	reading.Go(func() { longRows = s.rowPage(ctx, long, nil) })
	reading.Wait()
	switch {
	case rows.err != nil:
		return nil, false, rows.err
	case longRows.err != nil:
		return nil, false, longRows.err
	case rows.more || longRows.more:
		return nil, true, nil
	}
	hits = slices.Concat(rows.keys, longRows.keys)
	slices.SortFunc(hits, s.compare)
	return slices.Compact(hits), false, nil
}

// compare orders items of instances as the answers are.
func (s *search) compare(a, b itemKey) int {
	place := func(k itemKey) (int, string) {
		collection, _ := collectionOf(s.q.Kind, k.PK)
		if s.q.Collections == nil {
			return 0, collection
		}
		return slices.Index(s.q.Collections, collection), ""
	}
	aIndex, aCollection := place(a)
	bIndex, bCollection := place(b)
	return cmp.Or(cmp.Compare(aIndex, bIndex), cmp.Compare(aCollection, bCollection), cmp.Compare(a.SK, b.SK))
}

// rowPage is what the name rows of a page lead to.
type rowPage struct {
	keys []itemKey
	more bool
	err  error
}

// rowPage reads the first page of a range of name rows, consistently.
func (s *search) rowPage(ctx context.Context, builder expression.Builder, limit *int32) (read rowPage) {
	e, err := builder.WithProjection(expression.NamesList(expression.Name("sk"), expression.Name("n"))).Build()
	if err != nil {
		return rowPage{err: fmt.Errorf("build query: %w", err)}
	}
	in := &dynamodb.QueryInput{
		TableName: &s.r.table, KeyConditionExpression: e.KeyCondition(), FilterExpression: e.Filter(),
		ProjectionExpression: e.Projection(), ExpressionAttributeNames: e.Names(), ExpressionAttributeValues: e.Values(),
		Limit: limit, ConsistentRead: aws.Bool(true), ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
	}
	out, err := retry(ctx, s.r, "Query", true, func(ctx context.Context) (*dynamodb.QueryOutput, *types.ConsumedCapacity, error) {
		out, err := s.r.client.Query(ctx, in, once)
		if err != nil {
			return nil, nil, err
		}
		return out, out.ConsumedCapacity, nil
	})
	if err != nil {
		return rowPage{err: err}
	}
	if len(out.LastEvaluatedKey) > 0 {
		return rowPage{more: true}
	}
	for _, i := range out.Items {
		row, err := decode[nameRow](i)
		if err != nil {
			return rowPage{err: err}
		}
		key, err := row.target(s.q.Kind)
		if err != nil {
			return rowPage{err: err}
		}
		collection, _ := collectionOf(s.q.Kind, key.PK)
		if s.asks(collection, key.SK) {
			read.keys = append(read.keys, key)
		}
	}
	return read
}
