package instance

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// MaxStoredBytes is the largest instance that a repository stores, measured
// by [Instance.StoredSize]. It leaves room for the keys and index attributes
// under DynamoDB's limit of 400 KB an item.
const MaxStoredBytes = 300 << 10

// Order says how the instances of a kind are sorted within a collection.
type Order int

const (
	// OrderID sorts by the bytes of the id.
	OrderID Order = iota
	// OrderNumber sorts by the number that the id is: a positive decimal
	// without leading zeros, at most math.MaxInt64. Instances of such a kind
	// live in the collections that [Block] gives.
	OrderNumber
	// OrderTime sorts by the time of creation, newest first, and by the bytes
	// of the id among those of one millisecond. The time is the one in the id
	// where that is a UUID of version 7 (see [NewTimeID]), which makes such an
	// instance cheaper to find, and otherwise CreatedAt.
	OrderTime
)

// Kind is one sort of instance. Two kinds never share an id, a code or an
// index entry.
type Kind struct {
	// Name is part of every stored key: lower-case letters, at most 32.
	Name string
	// Order is how the kind is listed.
	Order Order
	// NameSearch says that searches for a part of the name are to be cheap, even
	// if that makes writes dearer. They are possible in any kind.
	NameSearch bool
}

// String returns the name of the kind.
func (k Kind) String() string { return k.Name }

// Key identifies an instance.
type Key struct {
	Kind       Kind
	Collection string
	ID         string
}

// String returns the kind and the id, for logs and errors.
func (k Key) String() string { return k.Kind.Name + " " + k.ID }

// Instance is one entry of the registry. The zero value of a text means that
// there is none; such a text is in no index.
type Instance struct {
	Kind Kind
	// Collection is the partition that the dialect keeps the instance in.
	Collection string
	// ID is unique within the kind and the collection.
	ID string
	// Code, where given, is unique within the kind, ignoring case.
	Code string
	// Group and SubGroup are searched for as a whole, ignoring case.
	Group, SubGroup string
	// Name is searched for by its parts, ignoring case.
	Name string
	// Owner is the owner of the key that created the instance.
	Owner string
	// Status is searched for as a whole, as it is written.
	Status string
	Active bool
	// Version is 1 for a new instance and grows by 1 with each write but a
	// heartbeat.
	Version int64
	// Incarnation distinguishes an instance from an earlier one with the same id;
	// see [NewIncarnation].
	Incarnation string
	// CreatedAt, UpdatedAt and LastSeenAt are kept to the millisecond, in
	// UTC. LastSeenAt is zero until the instance is first seen.
	CreatedAt, UpdatedAt, LastSeenAt time.Time
	// IdleSince is since when the instance has been idle, to the millisecond,
	// in UTC: what is idle for long can be cleaned up. It is zero for an
	// instance that is in use, or that is never idle. It is not part of its
	// history.
	IdleSince time.Time
	// Attributes is a JSON object that only the dialect of the instance
	// reads, or nil.
	Attributes json.RawMessage
}

// Key returns what identifies i.
func (i Instance) Key() Key {
	return Key{Kind: i.Kind, Collection: i.Collection, ID: i.ID}
}

// Revision identifies this state of this incarnation of the instance: it is
// different after every write but a heartbeat, and is never used again, even
// by a later instance of the same id. It holds letters, digits and one dot.
func (i Instance) Revision() string {
	return i.Incarnation + "." + strconv.FormatInt(i.Version, 10)
}

// StoredSize returns the size of i in bytes as the limit [MaxStoredBytes]
// counts it: its texts and its attributes.
func (i Instance) StoredSize() int {
	return len(i.Collection) + len(i.ID) + len(i.Code) + len(i.Group) + len(i.SubGroup) +
		len(i.Name) + len(i.Owner) + len(i.Status) + len(i.Attributes)
}

// BlockSize is how many consecutive numbers share a collection, in a kind
// with [OrderNumber].
const BlockSize = 10_000

// Block returns the collection of the instance with the number n, in a kind
// with [OrderNumber]. Collections sort as their numbers do.
func Block(n int64) string {
	return fmt.Sprintf("%015d", n/BlockSize)
}
