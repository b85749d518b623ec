package topology

import (
	"encoding/json"
	"iter"
	"net/http"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// ListHistory answers GET /{Id}/history with what was done to the instance,
// newest first, also after it was deleted. limit and cursor read it in pages.
func ListHistory(history instance.HistoryReader, instances instance.Getter) httpjson.Handler {
	return func(r *http.Request, _ auth.Principal) (httpjson.Answer, error) {
		key, err := keyOf(r)
		if err != nil {
			return httpjson.Answer{}, err
		}
		given, paging, err := httpjson.ListParameters(r)
		if err != nil {
			return httpjson.Answer{}, err
		}
		list := httpjson.List[instance.HistoryQuery, instance.Event]{
			Query:      instance.HistoryQuery{Key: key},
			Parameters: given,
			Paging:     paging,
			Encode:     func(e instance.Event) (any, error) { return encodeEvent(e), nil },
		}
		return list.Answer(r, func(q instance.HistoryQuery, limit int) iter.Seq2[instance.Event, error] {
			q.Limit = limit
			events := history.History(r.Context(), q)
			if paging.Cursor != "" {
				// What comes after an event may be nothing.
				return events
			}
			return orElse(events, func() error {
				_, err := instances.Get(r.Context(), key)
				return err
			})
		})
	}
}

// orElse yields the events and, where there is none, the error of empty. So
// an instance whose events have all expired has a history without entries, and
// one that never was has none.
func orElse(events iter.Seq2[instance.Event, error], empty func() error) iter.Seq2[instance.Event, error] {
	return func(yield func(instance.Event, error) bool) {
		for e, err := range events {
			empty = nil
			if !yield(e, err) {
				return
			}
		}
		if empty == nil {
			return
		}
		if err := empty(); err != nil {
			yield(instance.Event{}, err)
		}
	}
}

// record is one entry of a history as answers hold it.
type record struct {
	// At is the time in UTC, in the form of RFC 3339 with milliseconds.
	At string `json:"at"`
	// By is the name of the key, or of the command, that made the change.
	By        string `json:"by"`
	Operation string `json:"operation"`
	// RequestID is absent where the change has none.
	RequestID string `json:"requestId,omitempty"`
	Version   int64  `json:"version"`
	// Changes are never null.
	Changes []fieldChange `json:"changes"`
}

// fieldChange is one field of [document] before and after a change. Old or
// New is absent where the field was or is absent or empty.
type fieldChange struct {
	Field string          `json:"field"`
	Old   json.RawMessage `json:"old,omitempty"`
	New   json.RawMessage `json:"new,omitempty"`
}

// historyFields are the fields of [document], in its order, and what
// [instance.Diff] calls them. What else it tells of, such as the owner, no
// answer of this dialect shows.
func historyFields() []struct{ name, stored string } {
	return []struct{ name, stored string }{
		{"description", "description"},
		{"environments", "environments"},
		{"workflows", "workflows"},
		{"instanceName", "name"},
		{"isActive", "active"},
		{"pluginOperations", "pluginOperations"},
		{"instanceCode", "code"},
		{"groupCode", "group"},
		{"subGroupCode", "subGroup"},
		{"isDeploymentTarget", "isDeploymentTarget"},
	}
}

// encodeEvent returns the wire form of e.
func encodeEvent(e instance.Event) record {
	changed := make(map[string]instance.FieldChange, len(e.Fields))
	for _, c := range e.Fields {
		changed[c.Field] = c
	}
	changes := make([]fieldChange, 0, len(e.Fields))
	for _, f := range historyFields() {
		if c, ok := changed[f.stored]; ok {
			changes = append(changes, fieldChange{Field: f.name, Old: c.Old, New: c.New})
		}
	}
	return record{
		At:        e.At.UTC().Format("2006-01-02T15:04:05.000Z07:00"),
		By:        e.By,
		Operation: e.Operation,
		RequestID: e.RequestID,
		Version:   e.Version,
		Changes:   changes,
	}
}
