package bolt

import (
	"context"
	"iter"
	"time"

	"instances/pkg/instance"
)

// UnusedCollections returns nothing: this repository has no directory of
// collections that could list one in vain. A search finds those in use by
// itself.
func (r *Repository) UnusedCollections(context.Context, instance.Kind, time.Time) iter.Seq2[instance.Unused, error] {
	return func(func(instance.Unused, error) bool) {}
}

// ForgetCollection does nothing: see [Repository.UnusedCollections].
func (r *Repository) ForgetCollection(context.Context, instance.Unused) error { return nil }
