// Package cleanup removes for good what a registry no longer keeps: the
// scheduled function of the product, and the command that does the same.
//
// A [Sweeper] takes these steps, in this order:
//
//  1. Idle instances, of the kinds that have a rule for it, are deleted: moved to
//     the trash, from which they can be restored.
//  2. Leftovers are tidied up: on the embedded database, records of idempotency
//     and of history that have expired; on DynamoDB, whose table removes these by
//     itself, entries of the directory of a numbered kind whose collection holds
//     no instance.
//  3. Keys that were revoked or expired longer ago than the retention are
//     removed. Their names stay with their owners.
//  4. Instances that were deleted longer ago than the retention are purged from
//     the trash.
//
// The first step comes before the second, so that one run finds what it has
// emptied itself: a second run right after it has nothing to do. Otherwise the
// steps are independent. The last may have much to do after a large deletion;
// each step gets an equal share of the time that the steps before it left, so
// that none waits forever for another.
//
// # Why it is safe
//
// Everything is removed on the condition that it still is what was read: an
// instance that was restored, created anew or seen in between stays, and so does
// a collection that is used again. Such things are counted as left alone; the
// next run looks at them again. A retention of less than a day is taken for a
// typing mistake and refused.
//
// A wrong clock must not remove what is not due. Where a run has the time of the
// event that asks for it, nothing later than that counts. The embedded
// repository is a [Timekeeper]: when its clock jumps, nothing is removed for a
// day.
//
// Each write is one transaction, and a run keeps no state of its own: what it has
// done is no longer due, and what it has not done still is. So a run may be
// killed at any moment, may run next to another one, and may be repeated: the
// next run ends where an undisturbed one would have ended.
//
// One removal that fails does not stop the others, nor does one step that fails
// stop the next; the errors are returned together. A run that has a deadline
// stops before it, and says where.
//
// Its cost grows with what is due, not with what there is: each step reads a
// range of keys that sorts by time. Only the directory is read whole: one entry
// and one query for 10,000 ids.
package cleanup
