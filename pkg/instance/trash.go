package instance

import "time"

// Deleted is an instance in the trash, as it was when it was deleted.
type Deleted struct {
	Instance
	// DeletedAt is when that was, to the millisecond, in UTC.
	DeletedAt time.Time
}
