package dynamo

import (
	"context"
	"fmt"

	"instances/pkg/instance"
)

// documentItem is a document as stored.
type documentItem struct {
	itemKey
	Data blob `dynamodbav:"data"`
}

// Document implements [instance.DocumentReader] with one consistent read.
func (r *Repository) Document(ctx context.Context, name string) ([]byte, error) {
	attributes, err := r.getItem(ctx, documentKey(name))
	if err != nil {
		return nil, fmt.Errorf("get document %s: %w", name, err)
	}
	if len(attributes) == 0 {
		return nil, instance.ErrNotFound
	}
	stored, err := decode[documentItem](attributes)
	if err != nil {
		return nil, fmt.Errorf("get document %s: %w", name, err)
	}
	data, err := stored.Data.bytes()
	if err != nil {
		return nil, fmt.Errorf("decode document %s: %w", name, err)
	}
	return data, nil
}

// SetDocument implements [instance.DocumentWriter] as one transaction.
func (r *Repository) SetDocument(ctx context.Context, name string, data []byte) error {
	if len(data) > instance.MaxStoredBytes {
		return fmt.Errorf("set document %s: %w", name, instance.ErrTooLarge)
	}
	w := r.transaction("set document " + name)
	packed, err := newBlob(data)
	w.fail(err)
	w.put(documentItem{documentKey(name), packed}, always(), nil)
	return w.run(ctx)
}
