package cleanup

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"instances/pkg/instance"
)

// What can be due; see [Due.What].
const (
	IdleInstance    = "idle instance"
	Leftover        = "leftover"
	EndedKey        = "ended key"
	DeletedInstance = "deleted instance"
)

// Due is something that a run removes. It holds no secret, nor the hash of one.
type Due struct {
	// What it is: one of the constants of this package.
	What string
	// Kind is that of an instance.
	Kind instance.Kind
	// ID is that of an instance, the name of a key, or empty.
	ID string
	// Owner and Name are those of an instance; a key has an owner.
	Owner, Name string
	// Since is when it was deleted, ended or became idle, in UTC, and Age how
	// long that was ago at the time that the run was asked for. Both are zero
	// for leftovers.
	Since time.Time
	Age   time.Duration
	// Count is how many leftovers there are.
	Count int
}

// MarshalJSON returns d as an object whose members are named after the fields;
// kind is the name of the kind, and ageDays counts whole days.
func (d Due) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		What    string    `json:"what"`
		Kind    string    `json:"kind,omitempty"`
		ID      string    `json:"id,omitempty"`
		Owner   string    `json:"owner,omitempty"`
		Name    string    `json:"name,omitempty"`
		Count   int       `json:"count,omitempty"`
		Since   time.Time `json:"since,omitzero"`
		AgeDays int       `json:"ageDays"`
	}{d.What, d.Kind.Name, d.ID, d.Owner, d.Name, d.Count, d.Since.UTC(), int(d.Age / (24 * time.Hour))})
}

// String returns what it is, for errors.
func (d Due) String() string {
	if d.ID == "" {
		return d.What
	}
	return fmt.Sprintf("%s %q", d.What, d.ID)
}

// attributes returns d for the log.
func (d Due) attributes() []slog.Attr {
	return []slog.Attr{
		slog.String("what", d.What),
		slog.String("kind", d.Kind.Name),
		slog.String("id", d.ID),
		slog.String("owner", d.Owner),
		slog.Time("since", d.Since),
	}
}
