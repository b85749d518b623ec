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

// purgeSize is how many records a purge removes where the caller names no
// number.
const purgeSize = 1000

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

// CountExpired counts the answers and events that expire at asOf or before.
// It looks at no others.
func (r *Repository) CountExpired(ctx context.Context, asOf time.Time) (instance.Expired, error) {
	var count instance.Expired
	for e, err := range scan(ctx, r, "count expired", expiriesBucket, nil,
		func(tx *bbolt.Tx, b *batch[expiry], entry, _ []byte) (more bool, err error) {
			e := cutExpiry(entry)
			if e.at.After(asOf) {
				return false, nil
			}
			counts, err := e.counts(tx)
			if counts {
				// Its key is good for this transaction only.
				b.add(expiry{at: e.at, history: e.history}, 0)
			}
			return true, err
		}) {
		if err != nil {
			return instance.Expired{}, err
		}
		e.addTo(&count)
	}
	return count, nil
}

// PurgeExpired removes answers and events that expire at asOf or before, the
// oldest first, limit of them at most or 1000 where that is not positive, and
// returns what it removed. It is all or nothing. Fewer than limit means that
// there are no more.
func (r *Repository) PurgeExpired(ctx context.Context, asOf time.Time, limit int) (instance.Expired, error) {
	if limit <= 0 {
		limit = purgeSize
	}
	var count instance.Expired
	err := r.write(ctx, "purge expired", func(tx *bbolt.Tx) error {
		count = instance.Expired{}
		// What a cursor returned may change with the next write, so those come
		// later.
		var due, stale []expiry
		cursor := bucket(tx, expiriesBucket).Cursor()
		for entry, _ := cursor.First(); entry != nil && len(due) < limit; entry, _ = cursor.Next() {
			e := cutExpiry(bytes.Clone(entry))
			if e.at.After(asOf) {
				break
			}
			counts, err := e.counts(tx)
			if err != nil {
				return err
			}
			if counts {
				due = append(due, e)
			} else {
				stale = append(stale, e)
			}
		}
		for _, e := range due {
			if err := e.records(tx).Delete(e.key); err != nil {
				return fmt.Errorf("delete record: %w", err)
			}
			e.addTo(&count)
		}
		for _, e := range append(due, stale...) {
			if err := bucket(tx, expiriesBucket).Delete(e.entry); err != nil {
				return fmt.Errorf("delete expiry: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		return instance.Expired{}, err
	}
	return count, nil
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

// addTo counts the record. Entries come in order of their times.
func (e expiry) addTo(count *instance.Expired) {
	if count.Total() == 0 {
		count.Oldest = e.at
	}
	if e.history {
		count.History++
	} else {
		count.Idempotency++
	}
}
