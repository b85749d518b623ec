package dynamo

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"instances/pkg/instance"
)

const (
	// unusedAfter is how long a collection is in the directory without an
	// instance before it is removed: far longer than a create takes.
	unusedAfter = 24 * time.Hour
	// maxUntidy is how many collections Tidy fails to remove before it gives up.
	maxUntidy = 10
)

// errUsedAgain says that a collection was entered again, or is gone.
var errUsedAgain = errors.New("collection was entered again")

// Tidy removes collections without an instance from the directories of the
// kinds, as a purge, an import or an interrupted create leaves them. Those
// entered in the last day stay. What has expired is not left over here: it
// counts as absent, and the table's time to live removes it free of charge.
//
// It reads the whole directory of each numbered kind, and makes a query for
// each collection of 10,000 ids. A collection that cannot be removed does not
// keep it from the others.
func (r *Repository) Tidy(ctx context.Context, kinds []instance.Kind, asOf time.Time, limit int) (n int, err error) {
	var errs []error
	for _, kind := range kinds {
		if kind.Order != instance.OrderNumber {
			continue
		}
		for entry, err := range r.settled(ctx, kind, asOf.Add(-unusedAfter)) {
			unused := false
			if err == nil {
				unused, err = r.forgetUnused(ctx, kind, entry, limit > 0)
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("tidy collections of %s: %w", kind, err))
			}
			if unused {
				n++
			}
			if limit > 0 && n == limit || len(errs) == maxUntidy || ctx.Err() != nil {
				return n, errors.Join(errs...)
			}
		}
	}
	return n, errors.Join(errs...)
}

// settled yields the entries of the directory from before that time.
//
// The block of the next number, the one before it and the one that the counter
// names are left out: whoever got a number in one of them relies on the counter,
// not on the time.
func (r *Repository) settled(ctx context.Context, kind instance.Kind, before time.Time) iter.Seq2[directoryItem, error] {
	return func(yield func(directoryItem, error) bool) {
		spared, err := r.openBlocks(ctx, kind)
		if err != nil {
			yield(directoryItem{}, err)
			return
		}
		pages := r.query(ctx, within("pk", directoryKey(kind, "").PK, "", ""), nil,
			func(in *dynamodb.QueryInput) { in.ConsistentRead = aws.Bool(true) })
		for entry, err := range each(pages, decode[directoryItem]) {
			if err == nil && (!fromSeconds(entry.At).Before(before) || slices.Contains(spared, entry.SK)) {
				continue
			}
			if !yield(entry, err) {
				return
			}
		}
	}
}

// openBlocks returns the blocks that numbers may be on their way to.
func (r *Repository) openBlocks(ctx context.Context, kind instance.Kind) ([]string, error) {
	attributes, err := r.getItem(ctx, counterKey(kind))
	if err != nil {
		return nil, err
	}
	c, err := decode[counter](attributes)
	if err != nil {
		return nil, err
	}
	return []string{instance.Block(c.Number), instance.Block(max(c.Number-instance.BlockSize, 0)), c.Opened}, nil
}

// isEmpty reports whether the collection holds no instance.
func (r *Repository) isEmpty(ctx context.Context, kind instance.Kind, collection string) (bool, error) {
	pages := r.query(ctx, within("pk", partition(kind, collection), "", ""), nil, func(in *dynamodb.QueryInput) {
		in.ConsistentRead, in.Limit, in.ProjectionExpression = aws.Bool(true), aws.Int32(1), aws.String("sk")
	})
	for items, err := range pages {
		return err == nil && len(items) == 0, err
	}
	return true, nil
}

// forgetUnused reports whether the collection of the entry holds no instance,
// and removes the entry if told to.
//
// Whoever creates an instance there between the look and the write has entered
// the collection in the last ten minutes, so that the entry is younger than the
// one given, and stays: no instance gets hidden.
func (r *Repository) forgetUnused(ctx context.Context, kind instance.Kind, entry directoryItem, remove bool) (unused bool, err error) {
	unused, err = r.isEmpty(ctx, kind, entry.SK)
	if err != nil || !unused || !remove {
		return unused, err
	}
	r.directory.forget(entry.itemKey)
	w := r.transaction("remove collection " + entry.SK)
	w.remove(entry.itemKey, expression.AttributeExists(expression.Name("pk")).And(timeIs("at", entry.At)), is(errUsedAgain))
	if err := w.run(ctx); !errors.Is(err, errUsedAgain) {
		return err == nil, err
	}
	return false, nil
}
