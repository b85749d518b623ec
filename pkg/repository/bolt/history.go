package bolt

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"strconv"
	"time"

	"go.etcd.io/bbolt"

	"instances/pkg/instance"
)

// eventRecord is an event as it is stored; its key has the ID of the instance.
type eventRecord struct {
	By          string                 `json:"by,omitempty"`
	Owner       string                 `json:"owner,omitempty"`
	At          int64                  `json:"at"`
	RequestID   string                 `json:"requestID,omitempty"`
	Operation   string                 `json:"operation"`
	Incarnation string                 `json:"incarnation"`
	Version     int64                  `json:"version"`
	Fields      []instance.FieldChange `json:"fields,omitempty"`
	// Expires is in milliseconds, like At, or 0.
	Expires int64 `json:"expires,omitempty"`
}

// record adds the event of a change that led to i.
func (r *Repository) record(tx *bbolt.Tx, i instance.Instance, c instance.Change, fields []instance.FieldChange) error {
	e := eventRecord{
		By: c.By, Owner: c.Owner, At: c.At.UnixMilli(), RequestID: c.RequestID, Operation: c.Operation,
		Incarnation: i.Incarnation, Version: i.Version, Fields: fields,
	}
	if r.retention > 0 {
		e.Expires = c.At.Add(r.retention).UnixMilli()
	}
	value, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode event: %w", err)
	}
	events := bucket(tx, historyBucket)
	n, err := events.NextSequence()
	if err != nil {
		return err
	}
	key := appendNumber(idKey(i.Key()), n)
	if e.Expires != 0 {
		if err := expire(tx, time.UnixMilli(e.Expires), eventMark, key); err != nil {
			return err
		}
	}
	return events.Put(key, value)
}

// History implements [instance.HistoryReader]. It reads in parts and holds no
// transaction while the consumer works.
func (r *Repository) History(ctx context.Context, q instance.HistoryQuery) iter.Seq2[instance.Event, error] {
	return func(yield func(instance.Event, error) bool) {
		newest, ok := eventNumber(q.After)
		if !ok {
			return
		}
		bound := appendNumber(idKey(q.Key), newest)
		for left := q.Limit; bound != nil; {
			size := batchSize
			if q.Limit > 0 {
				size = min(size, left)
			}
			var events []instance.Event
			err := r.view(ctx, "history of "+q.Key.String(), func(tx *bbolt.Tx) (err error) {
				events, bound, err = r.eventsBefore(tx, q.Key, bound, size)
				return err
			})
			if err != nil {
				yield(instance.Event{}, err)
				return
			}
			for _, e := range events {
				if !yield(e, nil) {
					return
				}
			}
			left -= len(events)
			if q.Limit > 0 && left <= 0 {
				return
			}
		}
	}
}

// eventsBefore returns events of the key from before bound, newest first, and
// the bound of the next part, or nil at the end.
func (r *Repository) eventsBefore(tx *bbolt.Tx, key instance.Key, bound []byte, size int) ([]instance.Event, []byte, error) {
	prefix, now := idKey(key), r.now().UnixMilli()
	c := bucket(tx, historyBucket).Cursor()
	var events []instance.Event
	at, value := before(c, prefix, bound)
	for range batchSize {
		if len(events) == size || !bytes.HasPrefix(at, prefix) {
			break
		}
		var e eventRecord
		if err := json.Unmarshal(value, &e); err != nil {
			return nil, nil, damaged("%w", err)
		}
		if e.Expires == 0 || now < e.Expires {
			events = append(events, e.event(key, at))
		}
		bound = bytes.Clone(at)
		at, value = c.Prev()
	}
	if !bytes.HasPrefix(at, prefix) {
		bound = nil
	}
	return events, bound, nil
}

// event returns the event of the instance with the key that is stored at the
// key at in history.
func (e eventRecord) event(key instance.Key, at []byte) instance.Event {
	return instance.Event{
		Key: key,
		Change: instance.Change{
			By: e.By, Owner: e.Owner, At: time.UnixMilli(e.At).UTC(), RequestID: e.RequestID, Operation: e.Operation,
		},
		Position:    eventPosition(at),
		Incarnation: e.Incarnation, Version: e.Version, Fields: e.Fields,
	}
}

// positionSize is the length of a position in a history: the number of the
// event, in hexadecimal digits.
const positionSize = 2 * numberSize

// eventPosition returns the position of the event that is stored at the given
// key in history.
func eventPosition(at []byte) string { return hex.EncodeToString(at[len(at)-numberSize:]) }

// eventNumber returns the number in a position, or the largest number for an
// empty one. It returns false if the text is not a position.
func eventNumber(position string) (n uint64, ok bool) {
	if position == "" {
		return math.MaxUint64, true
	}
	n, err := strconv.ParseUint(position, 16, 64)
	return n, err == nil && len(position) == positionSize
}
