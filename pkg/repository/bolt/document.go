package bolt

import (
	"bytes"
	"context"
	"fmt"

	"go.etcd.io/bbolt"

	"instances/pkg/instance"
)

// Document implements [instance.DocumentReader].
func (r *Repository) Document(ctx context.Context, name string) ([]byte, error) {
	var data []byte
	err := r.view(ctx, "get document "+name, func(tx *bbolt.Tx) error {
		stored := bucket(tx, documentsBucket).Get(parts(name))
		if stored == nil {
			return instance.ErrNotFound
		}
		data = bytes.Clone(stored)
		return nil
	})
	return data, err
}

// SetDocument implements [instance.DocumentWriter].
func (r *Repository) SetDocument(ctx context.Context, name string, data []byte) error {
	if len(data) > instance.MaxStoredBytes {
		return fmt.Errorf("set document %s: %w", name, instance.ErrTooLarge)
	}
	return r.write(ctx, "set document "+name, func(tx *bbolt.Tx) error {
		return bucket(tx, documentsBucket).Put(parts(name), data)
	})
}
