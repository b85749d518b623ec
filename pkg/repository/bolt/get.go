package bolt

import (
	"context"

	"go.etcd.io/bbolt"

	"instances/pkg/instance"
)

// Get implements [instance.Getter].
func (r *Repository) Get(ctx context.Context, key instance.Key) (instance.Instance, error) {
	var found instance.Instance
	err := r.view(ctx, "get "+key.String(), func(tx *bbolt.Tx) (err error) {
		found, err = load(tx, key)
		return err
	})
	return found, err
}
