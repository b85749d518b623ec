// Package bolt is the embedded repository: one file on one machine, for
// running without AWS and for tests.
//
// The file is a bbolt database, which one process can open at a time. Every
// write is one transaction of the instance, its index entries, its
// idempotency record and its history event, and is on the disk when the call
// returns. Writes that are under way at once share a transaction. Every read
// is consistent.
//
// Buckets and their keys; parts of a key are escaped and end in a terminator,
// so that two keys are equal only if their parts are, and sort as their parts
// do:
//
//	instances    kind, collection, sort key    the instance
//	pointers     kind, collection, id          sort key, where the id does not tell it
//	codes        kind, folded code, collection, sort key
//	groups       kind, folded group, collection, sort key
//	subgroups    kind, folded subgroup, collection, sort key
//	statuses     kind, status, collection, sort key
//	labels       kind, collection, sort key    folded names, from that of this instance on
//	idle         kind, day, collection, sort key
//	trash        kind, time of deletion, id, incarnation, number  the deleted instance
//	trashed      kind, collection, id, number  key in trash
//	history      kind, collection, id, number  the event
//	idempotency  owner, route, key             the record
//	expiries     time, what it is, key         of an event or an idempotency record
//	sequences    kind                          the last number
//	credentials  hash                          the key
//	names        name                          hash of the latest key of that name
//	owners       name                          the owner of the name, forever
//	endings      time of end, hash             of a key that ends
//	documents    name                          the document
//	format       version of this layout
//
// Every value but that of format ends in a checksum of the name of the bucket,
// the key and the value, so that what was altered on the disk is an error
// ([ErrDamaged]) and never an answer. bbolt itself trusts its pages. So [Open]
// checks them before bbolt follows them, and a page fault or a panic in a
// transaction becomes an error of that call; after one there are no more writes,
// which could spread the damage. One thing is not guarded against: a page that
// is altered while the file is open, so that it leads back to itself.
//
// The sort key of an instance is [instance.Instance.SortKey].
//
// What is due for cleanup is a range of trash, idle, expiries or endings, so
// finding it costs what is due, not what is stored. An idempotency record that
// is replaced leaves an entry in expiries, which the next purge removes; every
// other entry is removed with its record.
//
// A code is taken as long as there is an entry for it. There may be several, where
// an upgrade has made codes equal.
//
// A file of an earlier layout is copied into a new one when it is opened, and
// kept next to that. An instance of a file of layout 1 has no time since when
// it is idle.
//
// A search by part of a name walks the folded names, of which some forty share a
// value, so that it reads few bytes and checks few checksums: about 0.02 µs a
// name. Numbers become durable with the instance that uses them: a number that no
// instance used may be given out again after a restart.
package bolt
