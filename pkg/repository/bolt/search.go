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

// Search implements [instance.Searcher]. A search by code, group, subgroup or
// status reads what it finds: with several, about as much as the one that finds
// least. A search by name alone reads the names of the kind, or of the
// collections of q, and what it finds. Each part has a short transaction of its
// own, a consistent view, so the consumer may take its time and write.
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
	// places are where the candidates are: each candidate is in all of them. There
	// are none for a query by name alone.
	places []place
	// ranges are what is left of the positions, in order.
	ranges []positionRange
}

// place is the entries of a bucket that start with prefix and end in a
// position.
type place struct {
	bucket string
	prefix []byte
}

// positionRange is the positions that start with prefix and are not less than
// from.
type positionRange struct {
	prefix, from []byte
}

// newWalk chooses where to look: in the indexes of the texts that are asked for,
// at the names, or else at all instances.
func newWalk(q instance.Query) *walk {
	w := &walk{kind: q.Kind, filter: newFilter(q), ranges: positionRanges(q)}
	asked := instance.Instance{Kind: q.Kind, Code: q.Code, Group: q.Group, SubGroup: q.SubGroup, Status: q.Status}
	for _, x := range indexes() {
		if x.text(asked) != "" {
			w.places = append(w.places, place{x.bucket, x.prefix(asked)})
		}
	}
	if w.places == nil && q.Name == "" {
		w.places = []place{{instancesBucket, parts(q.Kind.Name)}}
	}
	return w
}

// positionRanges returns where answers to q may be, in their order.
func positionRanges(q instance.Query) []positionRange {
	var from []byte
	if q.After.SortKey != "" {
		from = appendNext(nil, position(q.After))
	}
	if q.Collections == nil {
		return []positionRange{{from: from}}
	}
	collections := q.Collections
	if from != nil {
		// What comes before the collection of the position was answered.
		collections = collections[max(0, slices.Index(collections, q.After.Collection)):]
	}
	ranges := make([]positionRange, 0, len(collections))
	for _, collection := range collections {
		r := positionRange{prefix: parts(collection)}
		r.from = bytes.Clone(r.prefix)
		if bytes.HasPrefix(from, r.prefix) {
			r.from = bytes.Clone(from)
		}
		ranges = append(ranges, r)
	}
	return ranges
}

// appendNext appends the least key that is greater than the key.
func appendNext(b, key []byte) []byte { return append(append(b, key...), 0) }

// done reports whether there is nothing left to read.
func (w *walk) done() bool { return len(w.ranges) == 0 }

// read returns the next answers, size of them at most. It may return fewer,
// or none, before the walk is done.
func (w *walk) read(tx *bbolt.Tx, size int) ([]instance.Instance, error) {
	instances := bucket(tx, instancesBucket)
	key := parts(w.kind.Name)
	var batch []instance.Instance
	looked, weight := 0, 0
	for ; !w.done(); w.ranges = w.ranges[1:] {
		r := &w.ranges[0]
		look := w.finder(tx)
		for {
			if len(batch) == size || weight > batchBytes || looked == batchWalk {
				return batch, nil
			}
			looked++
			at, record, found := look(r.from)
			if at == nil || !bytes.HasPrefix(at, r.prefix) {
				break
			}
			if !found {
				r.from = append(r.from[:0], at...)
				continue
			}
			r.from = appendNext(r.from[:0], at)
			if record == nil {
				record = instances.Get(append(key, at...))
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

// finder looks for the next candidate at or after a position, which is never
// less than in an earlier call. It returns a position before which there is
// none, or nil if there are no more, and whether there is one at it: a finder
// need not look far. It may return the record of the candidate too.
type finder func(from []byte) (at, record []byte, found bool)

func (w *walk) finder(tx *bbolt.Tx) finder {
	if w.places == nil {
		return findNames(tx, w.kind, w.filter.name)
	}
	var all []*entries
	for _, p := range w.places {
		all = append(all, &entries{cursor: bucket(tx, p.bucket).Cursor(), prefix: p.prefix})
	}
	return func(from []byte) (at, record []byte, found bool) {
		// Each passes over what the one before it lacks, so that together they
		// read little more than the shortest of them has.
		agree := 0
		at = from
		for _, e := range all {
			there := e.seek(at)
			if there == nil {
				return nil, nil, false
			}
			if agree > 0 && !bytes.Equal(there, at) {
				agree = 0
			}
			at = there
			agree++
		}
		if len(all[0].value) > 0 {
			record = all[0].value
		}
		return at, record, agree == len(all)
	}
}

// entries goes through the entries of a bucket that start with a prefix. What
// follows it is a position.
type entries struct {
	cursor    cursor
	prefix    []byte
	at, value []byte
	begun     bool
}

// seek moves to the first entry at or after a position that is not less than
// in an earlier call, and returns its position, or nil if there is none.
func (e *entries) seek(from []byte) []byte {
	if e.begun && e.at != nil && bytes.Compare(e.at, from) < 0 {
		e.set(e.cursor.Next())
	}
	if !e.begun || e.at != nil && bytes.Compare(e.at, from) < 0 {
		e.set(e.cursor.Seek(slices.Concat(e.prefix, from)))
	}
	e.begun = true
	return e.at
}

func (e *entries) set(key, value []byte) {
	e.at, e.value = nil, nil
	if bytes.HasPrefix(key, e.prefix) {
		e.at, e.value = key[len(e.prefix):], value
	}
}
