package bolt

import (
	"bytes"
	"context"
	"iter"
	"slices"

	"go.etcd.io/bbolt"

	"instances/pkg/instance"
	"instances/pkg/repository"
)

// Search implements [instance.Searcher]. A search by code or group reads what it
// finds; any other walks the kind, or the collections of q. Each part has a short
// transaction of its own, a consistent view, so the consumer may take its time
// and write.
func (r *Repository) Search(ctx context.Context, q instance.Query) iter.Seq2[instance.Instance, error] {
	return func(yield func(instance.Instance, error) bool) {
		if err := repository.CheckQuery(q); err != nil {
			yield(instance.Instance{}, err)
			return
		}
		w := newWalk(q)
		found := 0
		for !w.done() {
			var batch []instance.Instance
			err := r.view(ctx, "search "+q.Kind.Name, func(tx *bbolt.Tx) (err error) {
				size := batchSize
				if q.Limit > 0 {
					size = min(size, q.Limit-found)
				}
				batch, err = w.read(tx, size)
				return err
			})
			if err != nil {
				yield(instance.Instance{}, err)
				return
			}
			for _, i := range batch {
				if !yield(i, nil) {
					return
				}
			}
			found += len(batch)
			if q.Limit > 0 && found >= q.Limit {
				return
			}
		}
	}
}

// walk visits the candidates of a query in the order of its answers.
type walk struct {
	kind   instance.Kind
	filter filter
	// code is the key of the one candidate's guard, for a query by code.
	code []byte
	// bucket holds the candidates otherwise: their keys are prefix and the
	// position of the instance. In an index their values are empty.
	bucket string
	prefix []byte
	index  bool
	// ranges are what is left of the positions, in order.
	ranges []positionRange
}

// positionRange is the positions that start with prefix, after the position
// after unless that is nil.
type positionRange struct {
	prefix, after []byte
}

// newWalk chooses where to look: in an index for a code or a group, otherwise
// at the instances themselves.
func newWalk(q instance.Query) *walk {
	w := &walk{kind: q.Kind, filter: newFilter(q), ranges: positionRanges(q)}
	switch {
	case q.Code != "":
		w.code = codeKey(q.Kind, q.Code)
	case q.Group != "":
		w.bucket, w.prefix, w.index = groupsBucket, groupKey(q.Kind, q.Group), true
	default:
		w.bucket, w.prefix = instancesBucket, parts(q.Kind.Name)
	}
	return w
}

// positionRanges returns where answers to q may be, in their order.
func positionRanges(q instance.Query) []positionRange {
	var after []byte
	if q.After.SortKey != "" {
		after = position(q.After)
	}
	if q.Collections == nil {
		return []positionRange{{after: after}}
	}
	collections := q.Collections
	if after != nil {
		// What comes before the collection of the position was answered.
		collections = collections[max(0, slices.Index(collections, q.After.Collection)):]
	}
	ranges := make([]positionRange, 0, len(collections))
	for _, collection := range collections {
		r := positionRange{prefix: parts(collection)}
		if bytes.HasPrefix(after, r.prefix) {
			r.after = bytes.Clone(after)
		}
		ranges = append(ranges, r)
	}
	return ranges
}

// done reports whether there is nothing left to read.
func (w *walk) done() bool { return len(w.ranges) == 0 }

// read returns the next answers, size of them at most. It may return fewer,
// or none, before the walk is done.
func (w *walk) read(tx *bbolt.Tx, size int) ([]instance.Instance, error) {
	if w.code != nil {
		return w.readCode(tx)
	}
	instances, cursor := bucket(tx, instancesBucket), bucket(tx, w.bucket).Cursor()
	key := parts(w.kind.Name)
	var batch []instance.Instance
	looked, weight := 0, 0
	for ; !w.done(); w.ranges = w.ranges[1:] {
		r := &w.ranges[0]
		prefix := slices.Concat(w.prefix, r.prefix)
		for entry, record := w.seek(cursor, *r); bytes.HasPrefix(entry, prefix); entry, record = cursor.Next() {
			if len(batch) == size || weight > batchBytes || looked == batchWalk {
				return batch, nil
			}
			looked++
			r.after = append(r.after[:0], entry[len(w.prefix):]...)
			if w.index {
				record = instances.Get(append(key, r.after...))
			}
			if !w.filter.match(record) {
				continue
			}
			i, err := decode(w.kind, record)
			if err != nil {
				return nil, err
			}
			batch = append(batch, i)
			weight += len(record)
		}
	}
	return batch, nil
}

// seek moves the cursor to the first entry of r.
func (w *walk) seek(cursor cursor, r positionRange) (entry, record []byte) {
	prefix := slices.Concat(w.prefix, r.prefix)
	if r.after == nil {
		return following(cursor, prefix, nil)
	}
	return following(cursor, prefix, slices.Concat(w.prefix, r.after))
}

// readCode returns the one answer that a code can have.
func (w *walk) readCode(tx *bbolt.Tx) ([]instance.Instance, error) {
	ranges := w.ranges
	w.ranges = nil
	key := bucket(tx, codesBucket).Get(w.code)
	if key == nil {
		return nil, nil
	}
	at := key[len(parts(w.kind.Name)):]
	if !slices.ContainsFunc(ranges, func(r positionRange) bool {
		return bytes.HasPrefix(at, r.prefix) && (r.after == nil || bytes.Compare(at, r.after) > 0)
	}) {
		return nil, nil
	}
	record := bucket(tx, instancesBucket).Get(key)
	if !w.filter.match(record) {
		return nil, nil
	}
	i, err := decode(w.kind, record)
	if err != nil {
		return nil, err
	}
	return []instance.Instance{i}, nil
}
