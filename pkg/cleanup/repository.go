package cleanup

import (
	"context"
	"time"

	"instances/pkg/auth"
	"instances/pkg/instance"
	"instances/pkg/repository"
)

// Repository is what a [Sweeper] needs of a repository.
type Repository interface {
	instance.TrashReader
	instance.Purger
	instance.IdleReader
	instance.Deleter
	instance.Tidier
	auth.CredentialPurger
}

// Timekeeper is a repository that knows when it was last used, and so tells a
// clock that has jumped.
type Timekeeper interface {
	// CheckClock notes that the registry is used now. It returns the jump if the
	// clock has jumped so that it may be wrong, and none with trusted.
	CheckClock(ctx context.Context, now time.Time, trusted bool) (repository.ClockJump, error)
}
