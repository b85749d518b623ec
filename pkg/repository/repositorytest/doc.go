// Package repositorytest defines how a repository of instances behaves, as
// tests that every repository runs. What a test here demands, handlers may
// rely on; what none demands, they may not.
//
//	func TestRepository(t *testing.T) {
//		repositorytest.Run(t, func(t *testing.T, o repositorytest.Options) app.OperatorRepository {
//			return open(t, o)
//		})
//	}
//
// Some points that are easy to overlook:
//
//   - A create's event holds every set field as new. The events of a delete
//     and of a restore hold no fields, since none changes.
//   - In a history, the purge of an instance whose ID was reused may come after
//     the events of the later instance: it is the last event of its own
//     incarnation.
//   - A delete keeps the version; a restore adds one and keeps the
//     incarnation.
//   - Where several reasons forbid a write, the idempotency record comes
//     first; then, for a create, the id, then the code.
//   - An update that changes nothing stores its idempotency record all the same.
//   - A query with explicit collections answers in the order of those, also
//     where an index finds the hits. Without any, an instance of a numbered
//     kind is listed once NextNumber gave out a number of its block; another
//     kind can only be searched by its codes and groups.
//   - In a kind that is sorted by time, an id is unique in its collection
//     whatever its time of creation is.
//   - A replace cannot lose a race to a touch, which leaves the version alone.
//     What a replace returns may lack a touch that came in between.
//   - Attributes come back byte by byte, times as UTC milliseconds.
//   - All continues after an instance that has been deleted meanwhile. What is
//     written while it runs may be left out, but nothing appears twice.
//   - A touch moves LastSeenAt and IdleSince, each on its own and forward only.
//   - A purge removes exactly what was listed. An instance that was restored and
//     deleted again, even at the same time, is not it.
//   - The name of a purged key stays with its owner.
//   - What has expired is absent from reads by the clock of [Options],
//     whether or not it was purged yet.
package repositorytest
