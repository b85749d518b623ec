package bolt

import (
	"context"
	"encoding/binary"

	"go.etcd.io/bbolt"

	"instances/pkg/instance"
)

// NextNumber implements [instance.Numberer]. The number becomes durable with the
// instance that uses it, which saves a write to the disk.
func (r *Repository) NextNumber(ctx context.Context, kind instance.Kind) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var next int64
	err := r.view(ctx, "next number of "+kind.Name, func(tx *bbolt.Tx) error {
		next = max(r.numbers[kind.Name], stored(tx, kind)) + 1
		return nil
	})
	if err != nil {
		return 0, err
	}
	r.numbers[kind.Name] = next
	return next, nil
}

// ReserveNumbers implements [instance.NumberReserver].
func (r *Repository) ReserveNumbers(ctx context.Context, kind instance.Kind, upTo int64) error {
	return r.write(ctx, "reserve numbers of "+kind.Name, func(tx *bbolt.Tx) error {
		return raise(tx, kind, upTo)
	})
}

// stored returns the last durable number.
func stored(tx *bbolt.Tx, kind instance.Kind) int64 {
	value := bucket(tx, sequencesBucket).Get(parts(kind.Name))
	if len(value) != 8 {
		return 0
	}
	return int64(binary.BigEndian.Uint64(value))
}

// raise raises the durable number to n, unless it is larger already.
func raise(tx *bbolt.Tx, kind instance.Kind, n int64) error {
	if n <= stored(tx, kind) {
		return nil
	}
	return bucket(tx, sequencesBucket).Put(parts(kind.Name), appendNumber(nil, uint64(n)))
}
