package dynamo

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"instances/pkg/instance"
)

const (
	// maxLooked is how many entries of a directory one call looks at.
	maxLooked = 16
	// halvings is how many times a directory is cut in two to find where such
	// a look begins.
	halvings = 4
)

// UnusedCollections yields collections of the directory that were entered
// before that time and hold no instance. Of a kind without a directory there
// are none. An error is yielded once, at the end.
//
// The block of the next number, the one before it and the one that the
// counter names are left out: whoever got a number of them relies on the
// counter, and not on the time.
//
// Its cost is bounded: of more than 16 collections it looks at 16, from a
// random one on. Calls again and again reach all.
func (r *Repository) UnusedCollections(ctx context.Context, kind instance.Kind, before time.Time) iter.Seq2[instance.Unused, error] {
	return func(yield func(instance.Unused, error) bool) {
		if kind.Order != instance.OrderNumber {
			return
		}
		err := r.unused(ctx, kind, before, func(u instance.Unused) bool { return yield(u, nil) })
		if err != nil {
			yield(instance.Unused{}, fmt.Errorf("unused collections of %s: %w", kind, err))
		}
	}
}

func (r *Repository) unused(ctx context.Context, kind instance.Kind, before time.Time, yield func(instance.Unused) bool) error {
	spared, err := r.openBlocks(ctx, kind)
	if err != nil {
		return err
	}
	entries, err := r.lookAtDirectory(ctx, kind)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		at := fromSeconds(entry.At)
		if !at.Before(before) || slices.Contains(spared, entry.SK) {
			continue
		}
		empty, err := r.isEmpty(ctx, kind, entry.SK)
		if err != nil {
			return err
		}
		if empty && !yield(instance.Unused{Kind: kind, Collection: entry.SK, EnteredAt: at}) {
			return nil
		}
	}
	return nil
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

// lookAtDirectory returns all entries, or if they are more than maxLooked, as
// many from a random one on, as if the first came after the last.
func (r *Repository) lookAtDirectory(ctx context.Context, kind instance.Kind) ([]directoryItem, error) {
	all, err := r.entries(ctx, kind, nil, true, maxLooked+1)
	if err != nil || len(all) <= maxLooked {
		return all, err
	}
	start, err := r.randomEntry(ctx, kind, all[0])
	if err != nil {
		return nil, err
	}
	from := expression.Key("sk").GreaterThanEqual(expression.Value(start))
	looked, err := r.entries(ctx, kind, &from, true, maxLooked)
	if err != nil {
		return nil, err
	}
	return append(looked, all[:min(maxLooked-len(looked), len(all))]...), nil
}

// randomEntry returns a random collection of the directory. The range of
// numbers is cut at random, and each half ends with a collection that exists:
// those around a wide gap are not the only ones to be found.
func (r *Repository) randomEntry(ctx context.Context, kind instance.Kind, first directoryItem) (string, error) {
	last, err := r.entries(ctx, kind, nil, false, 1)
	if err != nil || len(last) == 0 {
		return first.SK, err
	}
	low, high := first.SK, last[0].SK
	for range halvings {
		from, errFrom := strconv.ParseInt(low, 10, 64)
		to, errTo := strconv.ParseInt(high, 10, 64)
		// Whoever stores others than blocks gets those from the first on.
		if errFrom != nil || errTo != nil || to-from <= 1 {
			break
		}
		cut := instance.Block((from + 1 + rand.Int64N(to-from)) * instance.BlockSize)
		condition, ascending := expression.Key("sk").GreaterThanEqual(expression.Value(cut)), true
		if rand.IntN(2) == 0 {
			condition, ascending = expression.Key("sk").LessThan(expression.Value(cut)), false
		}
		end, err := r.entries(ctx, kind, &condition, ascending, 1)
		if err != nil {
			return "", err
		}
		switch {
		case len(end) == 0:
			// Removed meanwhile.
			return low, nil
		case ascending:
			low = end[0].SK
		default:
			high = end[0].SK
		}
	}
	return low, nil
}

// entries returns the first, or last, entries of the directory, limit of them
// at most, of those whose sort key meets the condition, if there is one.
func (r *Repository) entries(ctx context.Context, kind instance.Kind, condition *expression.KeyConditionBuilder, ascending bool, limit int) ([]directoryItem, error) {
	key := expression.Key("pk").Equal(expression.Value(directoryKey(kind, "").PK))
	if condition != nil {
		key = key.And(*condition)
	}
	pages := r.query(ctx, key, nil, func(in *dynamodb.QueryInput) {
		in.ConsistentRead, in.ScanIndexForward, in.Limit = aws.Bool(true), aws.Bool(ascending), aws.Int32(int32(limit))
	})
	var found []directoryItem
	for entry, err := range each(pages, decode[directoryItem]) {
		if err != nil {
			return nil, err
		}
		if found = append(found, entry); len(found) == limit {
			break
		}
	}
	return found, nil
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

// ForgetCollection takes a collection out of the directory. It returns
// [instance.ErrConflict], and changes nothing, if the collection was entered
// again since, is gone, or holds an instance. For a kind without a directory
// it does nothing.
//
// An instance may be created between the look and the write, by whoever has
// entered the collection no longer than ten minutes ago, and then the entry is
// younger. So nothing gets hidden as long as nobody forgets what was entered
// on the same day.
func (r *Repository) ForgetCollection(ctx context.Context, u instance.Unused) error {
	if u.Kind.Order != instance.OrderNumber {
		return nil
	}
	key := directoryKey(u.Kind, u.Collection)
	empty, err := r.isEmpty(ctx, u.Kind, u.Collection)
	if err != nil {
		return fmt.Errorf("forget collection %s: %w", u.Collection, err)
	}
	if !empty {
		return instance.ErrConflict
	}
	r.directory.forget(key)
	w := r.transaction("forget collection " + u.Collection)
	w.remove(key, expression.AttributeExists(expression.Name("pk")).And(timeIs("at", seconds(u.EnteredAt))), is(instance.ErrConflict))
	return w.run(ctx)
}
