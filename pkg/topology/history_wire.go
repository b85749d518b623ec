package topology

import (
	"encoding/json"

	"instances/pkg/instance"
)

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
