package instance

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"time"
)

// maxSortTime bounds the times that sort, in milliseconds: the largest that a
// UUID of version 7 holds, some ten thousand years.
const maxSortTime = 1<<48 - 1

// SortKey returns a text by whose bytes the instances of a collection are
// sorted. It never changes, and differs for different ids. It is empty for
// an id that no instance of the kind can have.
func (i Instance) SortKey() string {
	if sort, ok := i.Key().SortKey(); ok || i.Kind.Order != OrderTime {
		return sort
	}
	return timeSortKey(i.CreatedAt.UnixMilli(), i.ID)
}

// SortKey returns [Instance.SortKey] of the instance that k identifies, or
// false where the key does not tell it: it then takes CreatedAt too, or the
// id cannot be one of the kind.
func (k Key) SortKey() (sort string, ok bool) {
	switch k.Kind.Order {
	case OrderNumber:
		n, err := strconv.ParseInt(k.ID, 10, 64)
		if err != nil || n < 1 || strconv.FormatInt(n, 10) != k.ID {
			return "", false
		}
		return numberSortKey(n), true
	case OrderTime:
		ms, ok := idTime(k.ID)
		if !ok {
			return "", false
		}
		return timeSortKey(ms, k.ID), true
	default:
		return k.ID, k.ID != ""
	}
}

// numberSortKey sorts as the numbers do.
func numberSortKey(n int64) string { return fmt.Sprintf("%019d", n) }

// timeSortKey sorts newest first.
func timeSortKey(ms int64, id string) string {
	return fmt.Sprintf("%015d#%s", maxSortTime-min(max(ms, 0), maxSortTime), id)
}

// NewTimeID returns a new UUID of version 7 (RFC 9562, 5.7): the time at, to
// the millisecond, and 74 random bits.
func NewTimeID(at time.Time) string {
	var b [16]byte
	// Read never fails: see [rand.Read].
	_, _ = rand.Read(b[6:])
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(min(max(at.UnixMilli(), 0), maxSortTime)))
	copy(b[:6], ms[2:])
	b[6] = b[6]&0x0f | 0x70
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// idTime returns the time in an id that is a UUID of version 7, in
// milliseconds since 1970. Any other id has none.
func idTime(id string) (ms int64, ok bool) {
	if len(id) != 36 || id[8] != '-' || id[13] != '-' || id[18] != '-' || id[23] != '-' || id[14] != '7' {
		return 0, false
	}
	var b [8]byte
	if _, err := hex.Decode(b[2:6], []byte(id[:8])); err != nil {
		return 0, false
	}
	if _, err := hex.Decode(b[6:], []byte(id[9:13])); err != nil {
		return 0, false
	}
	n := binary.BigEndian.Uint64(b[:])
	return int64(n), n <= math.MaxInt64
}
