package bolt

import (
	"bytes"
	"context"
	"iter"

	"go.etcd.io/bbolt"
)

// The bounds of one read transaction of a sequence: the answers it returns,
// their bytes, and the entries it looks at.
const (
	batchSize  = 256
	batchBytes = 4 << 20
	batchWalk  = 8192
)

// batch is what one read transaction of a sequence found.
type batch[V any] struct {
	found []V
	bytes int
}

// add adds an answer with the size of its record.
func (b *batch[V]) add(v V, bytes int) {
	b.found = append(b.found, v)
	b.bytes += bytes
}

// scan yields what read adds for the entries of a bucket that start with the
// prefix, in order, until read returns false. An error ends the sequence and
// says what was being done. Each part has a short transaction of its own, so
// the consumer may take its time and write.
func scan[V any](ctx context.Context, r *Repository, what, name string, prefix []byte,
	read func(tx *bbolt.Tx, b *batch[V], key, value []byte) (more bool, err error),
) iter.Seq2[V, error] {
	return func(yield func(V, error) bool) {
		var after []byte
		for more := true; more; {
			var b batch[V]
			err := r.view(ctx, what, func(tx *bbolt.Tx) (err error) {
				cursor := bucket(tx, name).Cursor()
				key, value := following(cursor, prefix, after)
				for range batchWalk {
					if len(b.found) == batchSize || b.bytes > batchBytes {
						return nil
					}
					if more = key != nil; !more {
						return nil
					}
					if more, err = read(tx, &b, key, value); err != nil || !more {
						return err
					}
					after = append(after[:0], key...)
					if key, value = cursor.Next(); !bytes.HasPrefix(key, prefix) {
						key = nil
					}
				}
				return nil
			})
			if err != nil {
				var none V
				yield(none, err)
				return
			}
			for _, v := range b.found {
				if !yield(v, nil) {
					return
				}
			}
		}
	}
}

// following moves c to the first key with the prefix, or to the first one
// greater than after unless that is nil.
func following(c cursor, prefix, after []byte) (key, value []byte) {
	if after == nil {
		key, value = c.Seek(prefix)
	} else if key, value = c.Seek(after); bytes.Equal(key, after) {
		key, value = c.Next()
	}
	if !bytes.HasPrefix(key, prefix) {
		return nil, nil
	}
	return key, value
}
