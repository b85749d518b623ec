package dynamo

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"instances/pkg/instance"
)

// byCode yields the instances that have the code: more than one only where an
// upgrade made their codes equal.
func (s *search) byCode(ctx context.Context) iter.Seq2[instance.Instance, error] {
	return func(yield func(instance.Instance, error) bool) {
		forms := []string{s.match.Code, s.former.Code}
		if forms[0] == forms[1] {
			forms = forms[:1]
		}
		var found []instance.Instance
		for _, form := range forms {
			holders, err := s.holders(ctx, form)
			if err != nil {
				yield(instance.Instance{}, err)
				return
			}
			found = append(found, holders...)
		}
		place := func(i instance.Instance) itemKey { return itemKey{partition(i.Kind, i.Collection), i.SortKey()} }
		slices.SortFunc(found, func(a, b instance.Instance) int { return s.compare(place(a), place(b)) })
		found = slices.CompactFunc(found, func(a, b instance.Instance) bool { return place(a) == place(b) })
		for _, i := range found {
			if s.asks(i.Collection, i.SortKey()) && !yield(i, nil) {
				return
			}
		}
	}
}

// holders returns the instances that have the code in that form. What the index
// does not know yet, the guard does.
func (s *search) holders(ctx context.Context, form string) (found []instance.Instance, err error) {
	entries := s.r.query(ctx, within("cpk", indexPartition(s.q.Kind, form), "", ""), nil,
		func(in *dynamodb.QueryInput) { in.IndexName = aws.String(codeIndex) })
	for i, err := range s.verified(ctx, s.hits(entries)) {
		if err != nil {
			return nil, err
		}
		// An entry may be of a former holder.
		if slices.Contains(s.layout.forms(i.Code), form) {
			found = append(found, i)
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	guard, err := s.r.readGuard(ctx, s.q.Kind, form)
	if err != nil {
		return nil, err
	}
	for _, who := range guard.holders() {
		collection, id, _ := strings.Cut(who, nul)
		i, err := s.r.Get(ctx, instance.Key{Kind: s.q.Kind, Collection: collection, ID: id})
		switch {
		case err == nil:
			found = append(found, i)
		case !errors.Is(err, instance.ErrNotFound):
			return nil, err
		}
	}
	return found, nil
}
