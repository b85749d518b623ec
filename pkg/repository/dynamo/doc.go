// Package dynamo is the repository on DynamoDB.
//
// # Table
//
// One table with the keys pk and sk and the TTL attribute expires. NUL stands
// for the zero byte, which sorts a collection before those that it is a
// prefix of.
//
//	item          pk                                   sk
//	instance      instance#KIND#COLLECTION             sort key
//	code guard    code#KIND#FOLDED-CODE                guard
//	idempotency   idempotency#HASH                     record
//	pointer       pointer#KIND#COLLECTION              id
//	history       history#KIND#COLLECTION NUL ID       creation, incarnation, version, write
//	trash         trash#KIND#SHARD                     deletion # id NUL incarnation
//	directory     collections#KIND                     collection
//	counter       number#KIND                          counter
//	key by secret secret#HASH                          key
//	key by name   keys                                 name
//	end of a key  endings                              end # HASH
//	document      document#NAME                        document
//	marker        write#ID                             marker
//
// The sort key of an instance is [instance.Instance.SortKey]. Where the id
// does not tell it, in a kind with [instance.OrderTime], a pointer does: it is
// written and removed with the instance, keeps the id unique, and is read
// before the instance.
//
// History sorts by the order in which the writes took effect: a purge comes
// after the delete of the same version. The trash has 16 shards of a kind, by
// the hash of the id, and sorts by the time of deletion, to the millisecond.
// What is in the directory says when it was entered last; the processes that
// create instances enter their collection again every ten minutes. When the
// last key of a name is purged, the item of the name keeps the owner.
//
//	index       partition             sort                        projected
//	CodeIndex   cpk: KIND#CODE        csk: COLLECTION NUL SORTKEY keys
//	GroupIndex  gpk: KIND#GROUP       gsk: COLLECTION NUL SORTKEY keys
//	NameIndex   npk: KIND#COLLECTION  nsk: sort key               fname, fgroup, fsubgroup, status
//	IdleIndex   ipk: KIND#SHARD       isk: day                    keys
//
// Codes, groups and names are folded (package fold) and, where they are index
// keys, cut to what DynamoDB allows; a hit is compared with the whole value.
// Instances without a code, without a group, or without any of name, group,
// subgroup and status are not in the respective index. IdleIndex holds what is
// idle, by the day since when, in UTC, so that a heartbeat moves its entry once
// a day at most. Items in the trash are in no index.
//
// # Reads
//
// Instances are read consistently. What an index says is a hint: each hit is
// read again and matched again, so that no answer holds a deleted, stale or
// foreign instance. A code that the index does not know yet is looked up
// through its guard. Nothing is ever scanned but for [Repository.All], which
// is for operators: what is due to be purged is a range of the trash, of the
// ends of keys or of IdleIndex, and costs what it yields. What expires, idempotency and history records, goes by the table's
// TTL, and counts as absent from its moment on.
//
// # Writes
//
// Every write is one TransactWriteItems with a token and a marker: an item
// that only this write makes and that carries its id. For instances this is
// the history record. A write whose response was lost is sent again with the
// same token; if DynamoDB then refuses it, the marker tells whether the
// reason is its own success. A write that cannot be sent again in time puts
// the marker itself. If that succeeds, the write can never take effect any
// more, and [instance.ErrUnavailable] is the truth; if the marker is there
// already, the write has succeeded. Only where this does not get through
// either is the error none of package instance, and says that the outcome is
// unknown.
//
// A heartbeat ([Repository.Touch]) is the exception: one UpdateItem outside of
// a transaction, which may be repeated. It changes two times and the index of
// one of them, which no other write touches unless it is about just that, and
// no condition of a replace reads.
//
// # Retries
//
// The client's own retries are switched off. Throttling, conflicts of
// transactions, faults of the server and of the network are retried with full
// jitter until the deadline of the context, and then are
// [instance.ErrUnavailable].
package dynamo
