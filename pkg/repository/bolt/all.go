package bolt

import (
	"cmp"
	"context"
	"iter"
	"slices"

	"go.etcd.io/bbolt"

	"instances/pkg/instance"
)

// All implements [instance.Walker]. Each part of what it reads has a short
// transaction of its own, so the consumer may take its time and write.
func (r *Repository) All(ctx context.Context, kinds []instance.Kind, after *instance.Instance) iter.Seq2[instance.Instance, error] {
	return func(yield func(instance.Instance, error) bool) {
		sorted := slices.SortedFunc(slices.Values(kinds), func(a, b instance.Kind) int { return cmp.Compare(a.Name, b.Name) })
		for _, kind := range slices.Compact(sorted) {
			q := instance.Query{Kind: kind}
			if after != nil {
				switch cmp.Compare(kind.Name, after.Kind.Name) {
				case -1:
					continue
				case 0:
					q.After = instance.Position{Collection: after.Collection, SortKey: after.SortKey()}
				}
			}
			if !r.allOf(ctx, q, yield) {
				return
			}
		}
	}
}

// allOf is All for one kind. It reports whether to continue.
func (r *Repository) allOf(ctx context.Context, q instance.Query, yield func(instance.Instance, error) bool) bool {
	for w := newWalk(q); !w.done(); {
		var found []instance.Instance
		err := r.view(ctx, "all of "+q.Kind.Name, func(tx *bbolt.Tx) (err error) {
			found, err = w.read(tx, batchSize)
			return err
		})
		if err != nil {
			yield(instance.Instance{}, err)
			return false
		}
		for _, i := range found {
			if !yield(i, nil) {
				return false
			}
		}
	}
	return true
}
