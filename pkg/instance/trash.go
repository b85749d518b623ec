package instance

import "time"

// Deleted is an instance in the trash, as it was when it was deleted.
type Deleted struct {
	Instance
	// DeletedAt is when that was, to the millisecond, in UTC.
	DeletedAt time.Time
}

// Unused is a collection that a kind with [OrderNumber] lists as in use, and
// that holds no instance.
type Unused struct {
	Kind       Kind
	Collection string
	// EnteredAt is when it was listed last, to the second, in UTC.
	EnteredAt time.Time
}

// Expired counts records that are kept for a limited time.
type Expired struct {
	// Idempotency and History are numbers of records.
	Idempotency, History int
	// Oldest is when the first of them expired, or zero where there is none.
	Oldest time.Time
}

// Total returns how many records there are.
func (e Expired) Total() int { return e.Idempotency + e.History }
