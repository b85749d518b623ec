package dynamo

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/expression"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"instances/pkg/instance"
)

// historyItem is a history record as stored, and the marker of the write that
// made it.
type historyItem struct {
	marker
	By          string `dynamodbav:"by,omitempty"`
	Owner       string `dynamodbav:"owner,omitempty"`
	At          int64  `dynamodbav:"at"`
	RequestID   string `dynamodbav:"request,omitempty"`
	Operation   string `dynamodbav:"operation,omitempty"`
	Incarnation string `dynamodbav:"inc"`
	Version     int64  `dynamodbav:"v"`
	Fields      blob   `dynamodbav:"fields"`
}

// rank orders the history records of one version.
type rank int

const (
	// afterWrite is the rank of the write that made the version.
	afterWrite rank = iota
	// afterDelete and afterPurge are the ranks of what ended it.
	afterDelete
	afterPurge
)

// recordHistory stores the history record of a change from before to after,
// which is the marker of the write. A deletion or a purge does not change the
// instance: before and after are what is deleted.
//
// Records sort by the creation of the incarnation, then by version, then by
// rank. That is the order in which the writes took effect, whatever the clocks of
// the writers say.
func (w *transaction) recordHistory(before, after instance.Instance, change instance.Change, rank rank) {
	fields, err := newFields(before, after)
	w.fail(err)
	w.marker = itemKey{
		historyPartition(after.Key()),
		fmt.Sprintf("%s#%s#%019d#%d#%s", sortableTime(after.CreatedAt), after.Incarnation, after.Version, rank, w.id),
	}
	record := historyItem{
		marker: marker{itemKey: w.marker, Write: w.id},
		By:     change.By, Owner: change.Owner, At: milli(change.At),
		RequestID: change.RequestID, Operation: change.Operation,
		Incarnation: after.Incarnation, Version: after.Version, Fields: fields,
	}
	if w.r.retention > 0 {
		record.Expires = change.At.Add(w.r.retention).Unix()
	}
	w.put(record, absent(), nil)
}

// newFields returns the difference between two states. If that is too large for
// an item, it has the attributes as one, which then is a hash.
func newFields(before, after instance.Instance) (blob, error) {
	fields, err := packFields(instance.Diff(before, after))
	if err != nil || len(fields.Data) <= instance.MaxStoredBytes {
		return fields, err
	}
	return packFields(instance.Diff(wholeAttributes(before), wholeAttributes(after)))
}

func packFields(changes []instance.FieldChange) (blob, error) {
	b, err := json.Marshal(changes)
	if err != nil {
		return blob{}, fmt.Errorf("encode history: %w", err)
	}
	return newBlob(b)
}

// wholeAttributes returns i with all of its attributes inside one.
func wholeAttributes(i instance.Instance) instance.Instance {
	if len(i.Attributes) > 0 {
		// Marshal cannot fail: the attributes are JSON.
		i.Attributes, _ = json.Marshal(map[string]json.RawMessage{"attributes": i.Attributes})
	}
	return i
}

// History implements [instance.HistoryReader] with a consistent query. A
// position is a sort key.
func (r *Repository) History(ctx context.Context, q instance.HistoryQuery) iter.Seq2[instance.Event, error] {
	return func(yield func(instance.Event, error) bool) {
		if !valid(q.Key) {
			return
		}
		left := newQuota(q.Limit)
		older := expression.Key("pk").Equal(expression.Value(historyPartition(q.Key)))
		if q.After != "" {
			older = older.And(expression.Key("sk").LessThan(expression.Value(cut(q.After, maxSortBytes))))
		}
		pages := r.query(ctx, older, nil, func(in *dynamodb.QueryInput) {
			in.ConsistentRead, in.ScanIndexForward, in.Limit = aws.Bool(true), aws.Bool(false), left.page(0)
		})
		for record, err := range each(pages, decode[historyItem]) {
			// A fence stands for a write that never took effect.
			if err == nil && (record.Fence || record.Expires != 0 && !r.now().Before(time.Unix(record.Expires, 0))) {
				continue
			}
			var event instance.Event
			if err == nil {
				event, err = record.event(q.Key)
			}
			if err != nil {
				yield(instance.Event{}, fmt.Errorf("history of %s: %w", q.Key, err))
				return
			}
			if !yield(event, nil) || left.take() {
				return
			}
		}
	}
}

// event returns the record as an event of the instance with the key.
func (h historyItem) event(key instance.Key) (instance.Event, error) {
	event := instance.Event{
		Key: key,
		Change: instance.Change{
			By: h.By, Owner: h.Owner, At: fromMilli(h.At),
			RequestID: h.RequestID, Operation: h.Operation,
		},
		Position: h.SK, Incarnation: h.Incarnation, Version: h.Version,
	}
	fields, err := h.Fields.bytes()
	if err != nil {
		return instance.Event{}, err
	}
	if err := json.Unmarshal(fields, &event.Fields); err != nil {
		return instance.Event{}, fmt.Errorf("decode: %w", err)
	}
	return event, nil
}
