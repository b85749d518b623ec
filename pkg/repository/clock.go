package repository

import (
	"fmt"
	"time"
)

// ClockJump is a jump of the clock by so much that it may be wrong: the zero
// value stands for none.
type ClockJump struct {
	// From is when the registry was last used before it, and To what the clock
	// showed then.
	From, To time.Time
	// Until is when the clock counts as right, if it is not set back before.
	Until time.Time
}

// String says what happened.
func (j ClockJump) String() string {
	return fmt.Sprintf("the clock is at %s, %d days after the registry was last used",
		j.To.UTC().Format(time.RFC3339), int(j.To.Sub(j.From).Hours()/24))
}
