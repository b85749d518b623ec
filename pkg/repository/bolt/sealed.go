package bolt

import (
	"encoding/binary"
	"hash/crc32"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"
)

const (
	// sealSize is the length of the checksum at the end of a value.
	sealSize = 4
	// maxValue is the length of the largest value: far more than any record
	// has, and no more than an altered length may make us read.
	maxValue = 16 << 20
)

// sealed is a bucket in which every value ends in a checksum of the name of
// the bucket, the key and the value. A value that does not match it is a
// panic, as other damage is to bbolt: see [file].
type sealed struct {
	b    *bbolt.Bucket
	name string
	seed uint32
}

// bucket returns one of the buckets that every file has.
func bucket(tx *bbolt.Tx, name string) sealed {
	key := []byte(name)
	b := tx.Bucket(key)
	if b == nil {
		panic(damaged("bucket %s is missing", name))
	}
	return sealed{b, name, seed(key)}
}

// Get returns the value of a key, or nil.
func (s sealed) Get(key []byte) []byte {
	value := s.b.Get(key)
	if value == nil {
		return nil
	}
	return s.open(key, value)
}

// Put stores a value, which it copies.
func (s sealed) Put(key, value []byte) error {
	if len(value) > maxValue-sealSize {
		return bbolterrors.ErrValueTooLarge
	}
	return s.b.Put(key, seal(s.seed, key, value))
}

// Delete removes a key.
func (s sealed) Delete(key []byte) error { return s.b.Delete(key) }

// NextSequence returns a number that no earlier call has returned.
func (s sealed) NextSequence() (uint64, error) { return s.b.NextSequence() }

// forEach calls do with every entry until it returns an error. It may write to
// other buckets only.
func (s sealed) forEach(do func(key, value []byte) error) error {
	cursor := s.Cursor()
	for key, value := cursor.First(); key != nil; key, value = cursor.Next() {
		if err := do(key, value); err != nil {
			return err
		}
	}
	return nil
}

// Cursor returns a cursor on the bucket.
func (s sealed) Cursor() cursor { return cursor{s.b.Cursor(), s} }

// open takes the checksum off a value.
func (s sealed) open(key, value []byte) []byte {
	opened, ok := unseal(s.seed, key, value)
	if !ok {
		panic(damaged("a record in %s does not match its checksum", s.name))
	}
	return opened
}

// cursor goes through a bucket. Past either end, keys are nil.
type cursor struct {
	c *bbolt.Cursor
	s sealed
}

func (c cursor) First() (key, value []byte)           { return c.open(c.c.First()) }
func (c cursor) Last() (key, value []byte)            { return c.open(c.c.Last()) }
func (c cursor) Next() (key, value []byte)            { return c.open(c.c.Next()) }
func (c cursor) Prev() (key, value []byte)            { return c.open(c.c.Prev()) }
func (c cursor) Seek(seek []byte) (key, value []byte) { return c.open(c.c.Seek(seek)) }

func (c cursor) open(key, value []byte) ([]byte, []byte) {
	if key == nil {
		return nil, nil
	}
	return key, c.s.open(key, value)
}

// seed returns what the checksums in a bucket of that name start with.
func seed(name []byte) uint32 { return crc32.Checksum(name, crc32.MakeTable(crc32.Castagnoli)) }

// checksum is the CRC-32C of the name of a bucket, a key and a value. The
// length of the key tells where that ends.
func checksum(seed uint32, key, value []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Update(seed, table, key)^uint32(len(key)), table, value)
}

// seal returns the value as it is stored.
func seal(seed uint32, key, value []byte) []byte {
	stored := make([]byte, 0, len(value)+sealSize)
	return binary.BigEndian.AppendUint32(append(stored, value...), checksum(seed, key, value))
}

// unseal returns the value of what is stored, and whether it is as it was
// written.
func unseal(seed uint32, key, stored []byte) (value []byte, ok bool) {
	if len(key) > bbolt.MaxKeySize || len(stored) < sealSize || len(stored) > maxValue {
		return nil, false
	}
	value, sum := stored[:len(stored)-sealSize], stored[len(stored)-sealSize:]
	return value, binary.BigEndian.Uint32(sum) == checksum(seed, key, value)
}
