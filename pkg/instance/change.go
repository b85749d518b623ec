package instance

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// Change says who changes an instance, when and how. Every write takes one, which
// becomes part of its history record.
type Change struct {
	// By is the name of the key that was used, and Owner its owner.
	By, Owner string
	// At is the time of the change.
	At time.Time
	// RequestID is the id of the request, as its answer states it.
	RequestID string
	// Operation is one word: create, replace, patch, delete, restore, purge,
	// import.
	Operation string
}

// Event is one record of the history of an instance.
type Event struct {
	Key Key
	Change
	// Position is the place of the event in the history: an opaque text that
	// is not empty; see [HistoryQuery.After].
	Position string
	// Incarnation and Version are the ones after the change. A delete and a purge
	// keep the version that they found.
	Incarnation string
	Version     int64
	// Fields are the changed fields in ascending order of their names.
	Fields []FieldChange
}

// FieldChange is one field before and after a change, as JSON values; nil
// where there was or is none. A value of more than [MaxHistoryValueBytes] is
// replaced by a string that starts with "sha256:".
type FieldChange struct {
	Field string          `json:"field"`
	Old   json.RawMessage `json:"old,omitempty"`
	New   json.RawMessage `json:"new,omitempty"`
}

// MaxHistoryValueBytes is the size of the largest JSON value that a history
// record holds itself, in bytes.
const MaxHistoryValueBytes = 1 << 10

// Diff returns the fields that differ between two states of an instance, in
// ascending order of their names. The attributes are compared one by one.
// Version, incarnation and times are not fields.
func Diff(before, after Instance) []FieldChange {
	was, is := before.fields(), after.fields()
	names := maps.Clone(was)
	maps.Copy(names, is)
	var changes []FieldChange
	for name := range names {
		if !bytes.Equal(was[name], is[name]) {
			changes = append(changes, FieldChange{name, brief(was[name]), brief(is[name])})
		}
	}
	slices.SortFunc(changes, func(a, b FieldChange) int { return cmp.Compare(a.Field, b.Field) })
	return changes
}

// fields returns the set fields of i as JSON values. A field of i wins over
// an attribute of the same name.
func (i Instance) fields() map[string]json.RawMessage {
	f := map[string]json.RawMessage{}
	// Attributes that are not an object have no fields.
	_ = json.Unmarshal(i.Attributes, &f)
	if f == nil {
		f = map[string]json.RawMessage{}
	}
	for name, text := range map[string]string{
		"code": i.Code, "group": i.Group, "subGroup": i.SubGroup, "name": i.Name,
		"owner": i.Owner, "status": i.Status,
	} {
		if text != "" {
			f[name], _ = json.Marshal(text)
		}
	}
	if i.ID != "" {
		f["active"], _ = json.Marshal(i.Active)
	}
	return f
}

// brief returns v, or its hash if v is too large for a history record.
func brief(v json.RawMessage) json.RawMessage {
	if len(v) <= MaxHistoryValueBytes {
		return v
	}
	sum := sha256.Sum256(v)
	return json.RawMessage(`"sha256:` + hex.EncodeToString(sum[:]) + `"`)
}
