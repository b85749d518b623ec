package cleanup

import (
	"context"
	"iter"
	"time"

	"instances/pkg/auth"
	"instances/pkg/instance"
	"instances/pkg/repository"
)

// Repository is what a [Sweeper] needs of a repository, all together. What
// its iterators yield may be removed while they run; an error ends them.
type Repository interface {
	Trash
	Keys
	Records
	Directory
	Idler
}

// Timekeeper is a repository that knows when it was last used, and so tells a
// clock that has jumped.
type Timekeeper interface {
	// CheckClock notes that the registry is used now. It returns the jump if the
	// clock has jumped so that it may be wrong, and none with trusted.
	CheckClock(ctx context.Context, now time.Time, trusted bool) (repository.ClockJump, error)
}

// Trash holds the deleted instances.
type Trash interface {
	// Deleted yields what was deleted before that time, oldest deletion first.
	Deleted(ctx context.Context, kind instance.Kind, before time.Time) iter.Seq2[instance.Deleted, error]
	// Purge removes d for good and records that. It returns an error that is
	// [instance.ErrNotFound] when the trash no longer holds exactly d.
	Purge(ctx context.Context, d instance.Deleted, change instance.Change) error
}

// Keys holds the keys of the registry's users.
type Keys interface {
	// EndedCredentials yields the keys that ended before that time, oldest end
	// first.
	EndedCredentials(ctx context.Context, before time.Time) iter.Seq2[auth.Credential, error]
	// PurgeCredential removes c for good. It returns an error that is
	// [auth.ErrNoCredential] when the key no longer is as c tells.
	PurgeCredential(ctx context.Context, c auth.Credential) error
}

// Records holds what expires by itself.
type Records interface {
	// CountExpired counts the records that have expired at that time and that
	// [Records.PurgeExpired] would remove.
	CountExpired(ctx context.Context, asOf time.Time) (instance.Expired, error)
	// PurgeExpired removes at most limit records that have expired at that
	// time, and tells what it removed. Fewer than limit are all that there were.
	PurgeExpired(ctx context.Context, asOf time.Time, limit int) (instance.Expired, error)
}

// Directory lists the collections of numbered kinds.
type Directory interface {
	// UnusedCollections yields collections without an instance that were
	// listed before that time: a bounded number with each call, and all of
	// them over time.
	UnusedCollections(ctx context.Context, kind instance.Kind, before time.Time) iter.Seq2[instance.Unused, error]
	// ForgetCollection removes u from the list. It returns an error that is
	// [instance.ErrConflict] when u was listed again or has an instance.
	ForgetCollection(ctx context.Context, u instance.Unused) error
}

// Idler holds the instances, and knows which of them are idle.
type Idler interface {
	// Idle yields the instances that have been idle since before that time, in
	// any order.
	Idle(ctx context.Context, kind instance.Kind, before time.Time) iter.Seq2[instance.Instance, error]
	// Delete moves an instance to the trash. What check gets is what is
	// deleted; its error ends the deletion and is returned as it is.
	Delete(ctx context.Context, key instance.Key, change instance.Change, check func(instance.Instance) error) error
}
