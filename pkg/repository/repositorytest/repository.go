package repositorytest

import (
	"context"
	"iter"
	"testing"
	"time"

	"instances/pkg/auth"
	"instances/pkg/instance"
)

// Repository is what the suite tests: every method that a repository has.
type Repository interface {
	NextNumber(ctx context.Context, kind instance.Kind) (int64, error)
	ReserveNumbers(ctx context.Context, kind instance.Kind, upTo int64) error

	Create(ctx context.Context, i instance.Instance, change instance.Change, idem *instance.Idempotency) error
	Get(ctx context.Context, key instance.Key) (instance.Instance, error)
	Replace(ctx context.Context, before, after instance.Instance, change instance.Change) (instance.Instance, error)
	Update(ctx context.Context, key instance.Key, change instance.Change,
		modify func(instance.Instance) (instance.Instance, error)) (instance.Instance, error)
	Delete(ctx context.Context, key instance.Key, change instance.Change, check func(instance.Instance) error) error
	Restore(ctx context.Context, key instance.Key, change instance.Change) (instance.Instance, error)
	Search(ctx context.Context, q instance.Query) iter.Seq2[instance.Instance, error]
	All(ctx context.Context, kinds []instance.Kind, after *instance.Instance) iter.Seq2[instance.Instance, error]
	History(ctx context.Context, q instance.HistoryQuery) iter.Seq2[instance.Event, error]
	Touch(ctx context.Context, key instance.Key, at time.Time) error

	Deleted(ctx context.Context, kind instance.Kind, before time.Time) iter.Seq2[instance.Deleted, error]
	Purge(ctx context.Context, d instance.Deleted, change instance.Change) error
	Idle(ctx context.Context, kind instance.Kind, before time.Time) iter.Seq2[instance.Instance, error]
	UnusedCollections(ctx context.Context, kind instance.Kind, before time.Time) iter.Seq2[instance.Unused, error]
	ForgetCollection(ctx context.Context, u instance.Unused) error
	CountExpired(ctx context.Context, asOf time.Time) (instance.Expired, error)
	PurgeExpired(ctx context.Context, asOf time.Time, limit int) (instance.Expired, error)

	Document(ctx context.Context, name string) ([]byte, error)
	SetDocument(ctx context.Context, name string, data []byte) error

	CreateCredential(ctx context.Context, c auth.Credential) error
	Credential(ctx context.Context, hash string) (auth.Credential, error)
	Credentials(ctx context.Context) iter.Seq2[auth.Credential, error]
	RevokeCredential(ctx context.Context, name string, at time.Time) (auth.Credential, error)
	EndedCredentials(ctx context.Context, before time.Time) iter.Seq2[auth.Credential, error]
	PurgeCredential(ctx context.Context, c auth.Credential) error
}

// Options is how a test wants its repository.
type Options struct {
	// Now is the clock; never nil. It is safe for concurrent use.
	Now func() time.Time
	// HistoryRetention is how long an event is kept; 0 means for ever.
	HistoryRetention time.Duration
}

// Opener returns an empty repository that no other test uses, and has it
// closed when t ends.
type Opener func(t *testing.T, o Options) Repository
