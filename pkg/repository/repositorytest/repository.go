package repositorytest

import (
	"testing"
	"time"

	"instances/pkg/app"
)

// Options is how a test wants its repository.
type Options struct {
	// Now is the clock; never nil. It is safe for concurrent use.
	Now func() time.Time
	// HistoryRetention is how long an event is kept; 0 means forever.
	HistoryRetention time.Duration
}

// Opener returns an empty repository that no other test uses, and has it
// closed when t ends.
type Opener func(t *testing.T, o Options) app.OperatorRepository
