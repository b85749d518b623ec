package cleanup

import (
	"encoding/json"
	"log/slog"
	"time"

	"instances/pkg/instance"
)

// What can be due; see [Due.What].
const (
	IdleInstance     = "idle instance"
	UnusedCollection = "unused collection"
	EndedKey         = "ended key"
	ExpiredRecords   = "expired records"
	DeletedInstance  = "deleted instance"
)

// Due is a thing that a run removes. It holds no secret, nor the hash of one.
type Due struct {
	// What sort of thing it is: one of the constants of this package.
	What string
	// Kind is that of an instance or of a collection.
	Kind instance.Kind
	// ID is that of an instance, the name of a key or of a collection, or
	// empty.
	ID string
	// Owner and Name are those of an instance; a key has an owner.
	Owner, Name string
	// Since is when it was deleted, ended, expired, was listed or became idle,
	// in UTC; of several records, the first.
	Since time.Time
	// Age is how long that was ago at the time that the run was asked for.
	Age time.Duration
	// Idempotency and History are numbers of [ExpiredRecords].
	Idempotency, History int
}

// MarshalJSON returns d as an object whose members are named as the fields; kind
// is the name of the kind, and ageDays counts whole days.
func (d Due) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		What        string    `json:"what"`
		Kind        string    `json:"kind,omitempty"`
		ID          string    `json:"id,omitempty"`
		Owner       string    `json:"owner,omitempty"`
		Name        string    `json:"name,omitempty"`
		Idempotency int       `json:"idempotency,omitempty"`
		History     int       `json:"history,omitempty"`
		Since       time.Time `json:"since"`
		AgeDays     int       `json:"ageDays"`
	}{d.What, d.Kind.Name, d.ID, d.Owner, d.Name, d.Idempotency, d.History, d.Since.UTC(), int(d.Age / (24 * time.Hour))})
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
