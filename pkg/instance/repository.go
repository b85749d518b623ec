package instance

import (
	"context"
	"iter"
	"time"
)

// The interfaces in this file are the contract of a repository, one for each
// capability; package repositorytest tests it. What holds for all of them:
//
//   - Methods are safe for concurrent use.
//   - A write is all or nothing: the instance, what guards its id and code, its
//     history event and, unless it is nil, the record of an idempotency key. It
//     is on disk when the method returns.
//   - A write whose idempotency key was used, by a record that has not expired,
//     changes nothing and returns a [*RepeatedError].
//   - A read sees every write that has returned, unless the method says
//     otherwise.
//   - Every method may return [ErrUnavailable], where the work could not be
//     finished within the deadline of ctx, the error of ctx, or a fault.
//   - A sequence yields each element as it is when it is read. It yields an
//     error once, at the end. The consumer may write meanwhile, also to what it
//     was given, and read the sequence again from the start.

// Getter reads an instance.
type Getter interface {
	// Get returns the instance, or [ErrNotFound].
	Get(ctx context.Context, key Key) (Instance, error)
}

// Searcher finds instances.
type Searcher interface {
	// Search returns what q asks for, in its order. A search by group, subgroup,
	// name or status may miss what was written in the last second or so; it never
	// yields an instance that does not match. A position in q.After that does not
	// fit q is [ErrCursor].
	Search(ctx context.Context, q Query) iter.Seq2[Instance, error]
}

// Walker reads everything.
type Walker interface {
	// All yields every instance of the kinds, in an order that never changes.
	// Where after is not nil, it starts after that instance, which need no
	// longer be stored. It may leave out what is written meanwhile.
	All(ctx context.Context, kinds []Kind, after *Instance) iter.Seq2[Instance, error]
}

// Numberer gives out ids.
type Numberer interface {
	// NextNumber returns a number greater than all that were returned before,
	// reserved, or used by an instance of the kind; the first is 1. Numbers that
	// no instance uses leave gaps, or may be returned again after a restart.
	NextNumber(ctx context.Context, kind Kind) (int64, error)
}

// NumberReserver keeps ids from being given out.
type NumberReserver interface {
	// ReserveNumbers makes the next number of the kind greater than upTo. It
	// never makes it smaller.
	ReserveNumbers(ctx context.Context, kind Kind, upTo int64) error
}

// Creator stores new instances.
type Creator interface {
	// Create stores i as it is, the caller having set its version, incarnation
	// and times. Of the reasons against it, it returns the first of these:
	// [ErrTooLarge], for i or the answer in record; a [*RepeatedError];
	// [ErrExists]; [ErrCodeTaken].
	Create(ctx context.Context, i Instance, change Change, record *Idempotency) error
}

// Replacer writes instances.
type Replacer interface {
	// Replace stores after in place of before, and returns what it stored: after
	// with the key, creation time and incarnation of before, the next version,
	// and the time of the change. LastSeenAt and IdleSince stay as they are
	// stored unless after and before differ in them, since a heartbeat leaves
	// the version alone.
	//
	// Of the reasons against it, it returns the first of these: [ErrTooLarge], for
	// after or the answer in record; a [*RepeatedError]; [ErrNotFound], or
	// [ErrConflict] where the version or incarnation is no longer that of before;
	// [ErrCodeTaken].
	Replace(ctx context.Context, before, after Instance, change Change, record *Idempotency) (Instance, error)
}

// Updater changes instances.
type Updater interface {
	// Update reads the instance, lets modify change it and stores the result as
	// [Replacer] does, again for as long as ctx allows where another write comes
	// in between; it then returns [ErrUnavailable], and [ErrConflict] with it. It
	// returns what is stored. Where modify changes nothing, nothing but record is
	// written. An error of modify is returned as it is.
	//
	// Its own errors are [ErrNotFound], [ErrCodeTaken] and [ErrTooLarge]. A
	// [*RepeatedError] comes before all of them, and before that of modify.
	Update(ctx context.Context, key Key, change Change, record *Idempotency, modify func(Instance) (Instance, error)) (Instance, error)
}

// Deleter deletes instances.
type Deleter interface {
	// Delete moves the instance to the trash, where only [TrashReader] finds it,
	// and frees its id and code. Check, unless it is nil, is called with what is
	// about to be deleted, again where another write comes in between; its error
	// ends the deletion and is returned as it is. Delete returns [ErrNotFound]
	// where there is no such instance. A [*RepeatedError] comes before both.
	Delete(ctx context.Context, key Key, change Change, record *Idempotency, check func(Instance) error) error
}

// Repeater recognises repeated requests that are refused before they write.
type Repeater interface {
	// Recorded returns a [*RepeatedError] where the key of record was used, by a
	// record that has not expired.
	Recorded(ctx context.Context, record Idempotency) error
}

// Toucher records heartbeats.
type Toucher interface {
	// Touch sets LastSeenAt and IdleSince to at, to the millisecond, each unless
	// it is as late already. A time later than now, which a clock that was ahead
	// leaves, is set to at too. Nothing else changes, neither version nor history.
	// It returns [ErrNotFound].
	Touch(ctx context.Context, key Key, at time.Time) error
}

// HistoryReader reads the history of instances.
type HistoryReader interface {
	// History returns what q asks for, newest first: the events of every
	// instance that has had the key, but for those that have expired. After a
	// position of another history come its older events; a text that is not a
	// position is taken for one.
	History(ctx context.Context, q HistoryQuery) iter.Seq2[Event, error]
}

// TrashReader lists deleted instances.
type TrashReader interface {
	// Deleted returns the instances of the kind that were deleted before that
	// time and are in the trash, or all for the zero time: oldest deletion first,
	// then by id and incarnation.
	Deleted(ctx context.Context, kind Kind, before time.Time) iter.Seq2[Deleted, error]
}

// Restorer brings deleted instances back.
type Restorer interface {
	// Restore brings back the instance with the key that was deleted last, and
	// returns it: in the next version of the same incarnation and, where it was
	// idle, idle since the change. It returns [ErrNotFound] where none is in the
	// trash, [ErrExists] where the id has been taken since, and [ErrCodeTaken]
	// where the code has.
	Restore(ctx context.Context, key Key, change Change) (Instance, error)
}

// Purger empties the trash.
type Purger interface {
	// Purge removes d for good and writes an event of that. It returns
	// [ErrNotFound] where the trash no longer holds exactly d.
	Purge(ctx context.Context, d Deleted, change Change) error
}

// IdleReader finds instances that nobody uses.
type IdleReader interface {
	// Idle returns the instances of the kind that have been idle since before
	// that time, in any order. It may leave out what has just become so.
	Idle(ctx context.Context, kind Kind, before time.Time) iter.Seq2[Instance, error]
}

// Tidier removes leftovers: records that have expired, and what an interrupted
// or undone write left behind. No other method shows them.
type Tidier interface {
	// Tidy removes at most limit of what was left over at that time, and returns
	// how many it removed, with an error too: fewer than limit, without an error,
	// are all that there were. With limit 0 it removes nothing, and returns how
	// many there are. Of the kinds it is complete for these only.
	Tidy(ctx context.Context, kinds []Kind, asOf time.Time, limit int) (n int, err error)
}

// DocumentReader reads what the operator stores.
type DocumentReader interface {
	// Document returns the document with the name, or [ErrNotFound].
	Document(ctx context.Context, name string) ([]byte, error)
}

// DocumentWriter stores what the operator gives.
type DocumentWriter interface {
	// SetDocument stores a document in place of any other with the name. It
	// returns [ErrTooLarge] for one of more than [MaxStoredBytes].
	SetDocument(ctx context.Context, name string, data []byte) error
}
