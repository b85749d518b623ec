package bolt

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.etcd.io/bbolt"

	"instances/pkg/instance"
)

// The marks of what expires, in the keys of the expiries.
const (
	answerMark = 'a'
	eventMark  = 'e'
)

// expiry is an entry of the expiries: a record, and when it expired if nobody
// wrote it since.
type expiry struct {
	at time.Time
	// history tells an event from an answer.
	history bool
	// key is that of the record, and entry that of the expiry.
	key, entry []byte
}

// Tidy removes answers and events that expire at asOf or before, the oldest
// first, in one transaction; with limit 0 it counts them. It looks at no others,
// and at those of every kind.
func (r *Repository) Tidy(ctx context.Context, _ []instance.Kind, asOf time.Time, limit int) (n int, err error) {
	if limit <= 0 {
		return r.countExpired(ctx, asOf)
	}
	err = r.write(ctx, "remove what has expired", func(tx *bbolt.Tx) error {
		n = 0
		// What a cursor returned may change with the next write.
		var passed []expiry
		cursor := bucket(tx, expiriesBucket).Cursor()
		for entry, _ := cursor.First(); entry != nil && n < limit; entry, _ = cursor.Next() {
			e := cutExpiry(bytes.Clone(entry))
			if e.at.After(asOf) {
				break
			}
			expires, err := e.counts(tx)
			if err != nil {
				return err
			}
			if expires {
				n++
			} else {
				e.key = nil
			}
			passed = append(passed, e)
		}
		for _, e := range passed {
			if e.key != nil {
				if err := e.records(tx).Delete(e.key); err != nil {
					return fmt.Errorf("delete record: %w", err)
				}
			}
			if err := bucket(tx, expiriesBucket).Delete(e.entry); err != nil {
				return fmt.Errorf("delete expiry: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// countExpired counts what Tidy would remove.
func (r *Repository) countExpired(ctx context.Context, asOf time.Time) (n int, err error) {
	for _, err := range scan(ctx, r, "count what has expired", expiriesBucket, nil,
		func(tx *bbolt.Tx, b *batch[struct{}], entry, _ []byte) (more bool, err error) {
			e := cutExpiry(entry)
			if e.at.After(asOf) {
				return false, nil
			}
			expires, err := e.counts(tx)
			if expires {
				b.add(struct{}{}, 0)
			}
			return true, err
		}) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

// expire notes when the record with the key expires.
func expire(tx *bbolt.Tx, at time.Time, mark byte, key []byte) error {
	if err := bucket(tx, expiriesBucket).Put(expiryEntry(at, mark, key), nil); err != nil {
		return fmt.Errorf("put expiry: %w", err)
	}
	return nil
}

// expiryEntry is the key of an entry of the expiries.
func expiryEntry(at time.Time, mark byte, key []byte) []byte {
	return append(append(appendTime(nil, at), mark), key...)
}

// cutExpiry takes the key of an entry apart. It keeps it.
func cutExpiry(entry []byte) expiry {
	at, rest := cutTime(entry)
	return expiry{at: at, history: rest[0] == eventMark, key: rest[1:], entry: entry}
}

// records returns the bucket of the record.
func (e expiry) records(tx *bbolt.Tx) sealed {
	if e.history {
		return bucket(tx, historyBucket)
	}
	return bucket(tx, idempotencyBucket)
}

// counts reports whether the record still expires when the entry says. One
// that was given again since has another entry.
func (e expiry) counts(tx *bbolt.Tx) (bool, error) {
	value := e.records(tx).Get(e.key)
	if value == nil {
		return false, nil
	}
	at, err := e.expiryOf(value)
	return err == nil && at.Equal(e.at), err
}

// expiryOf returns when a record of the sort of e expires.
func (e expiry) expiryOf(value []byte) (time.Time, error) {
	// What both sorts call it; one counts milliseconds, the other seconds.
	var record struct {
		Expires int64 `json:"expires"`
	}
	if err := json.Unmarshal(value, &record); err != nil {
		return time.Time{}, damaged("%w", err)
	}
	if e.history {
		return time.UnixMilli(record.Expires), nil
	}
	return time.Unix(record.Expires, 0), nil
}
