package instance

import (
	"crypto/sha256"
	"encoding/json"
)

// HistoryQuery asks for the history of an instance, newest first, even after it
// was deleted. If an id was used more than once, the events of each incarnation
// may be grouped together.
type HistoryQuery struct {
	Key Key
	// After, where it is not empty, is the [Event.Position] of the event up to
	// and including which everything is left out.
	After string
	// Limit is how many events the caller will take at most; 0 means all.
	Limit int
}

// Cursor returns an opaque, URL-safe text with which [HistoryQuery.Resume]
// continues after last. It is bound to the instance that q names.
func (q HistoryQuery) Cursor(last Event) string {
	return encodeCursor(q.fingerprint(), Position{SortKey: last.Position})
}

// Resume returns q with After set from a cursor. Its errors are those of
// [Query.Resume].
func (q HistoryQuery) Resume(text string) (HistoryQuery, error) {
	p, err := decodeCursor(q.fingerprint(), text)
	if err != nil {
		return HistoryQuery{}, err
	}
	q.After = p.SortKey
	return q, nil
}

// fingerprint identifies what q asks for. No [Query] has the same.
func (q HistoryQuery) fingerprint() []byte {
	b, _ := json.Marshal(map[string]string{"kind": q.Key.Kind.Name, "collection": q.Key.Collection, "history": q.Key.ID})
	sum := sha256.Sum256(b)
	return sum[:9]
}
