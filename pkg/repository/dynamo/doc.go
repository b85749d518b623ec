// Package dynamo is the repository on DynamoDB.
//
// # Table
//
// There is one table, with the keys pk and sk and the TTL attribute expires. NUL
// is the zero byte, which sorts a collection before those that it is a prefix of.
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
//	layout        layout                               layout
//	name row      name#KIND#RUNE                       SUFFIX NUL COLLECTION NUL SORTKEY
//	long name     longname#KIND                        COLLECTION NUL SORTKEY
//
// The sort key of an instance is [instance.Instance.SortKey]. In a kind with
// [instance.OrderTime], an id that does not tell the sort key has a pointer, which
// is written and removed with the instance, keeps the id unique, and is read
// before the instance.
//
// History sorts in the order in which the writes took effect: a purge comes after
// the delete of the same version. The trash of a kind has 16 shards, by the hash
// of the id, and sorts by the time of deletion to the millisecond. An entry of the
// directory has the time when it was last entered; processes that create instances
// enter their collection again every ten minutes. When the last key of a name is
// purged, the item of the name keeps the owner.
//
//	index         partition              sort                         projected
//	CodeIndex     cpk: KIND#CODE         csk: COLLECTION NUL SORTKEY  keys
//	GroupIndex    gpk: KIND#GROUP        gsk: COLLECTION NUL SORTKEY  fname, fsubgroup, status
//	SubGroupIndex spk: KIND#SUBGROUP     ssk: COLLECTION NUL SORTKEY  fname, status
//	StatusIndex   tpk: KIND#STATUS       tsk: COLLECTION NUL SORTKEY  fname
//	NameIndex     npk: KIND#COLLECTION   sk                           fname
//	IdleIndex     ipk: KIND#SHARD        isk: day                     keys
//
// Codes, groups, subgroups and names are folded (package fold); a status is as it
// is. Where they are index keys they are cut to the length that DynamoDB allows; a
// hit is compared with the whole value. An instance is in the index of each text
// that it has. IdleIndex has idle instances by the day since when, in UTC, so that
// a heartbeat moves an entry at most once a day. Items in the trash are in no
// index.
//
// All instances of a kind that have the same status share a partition of
// StatusIndex, and so do those of a group or subgroup. A partition takes 1,000
// units of writing a second; above that, DynamoDB throttles the writes of the table
// too. It splits a hot partition by the sort key after some time, which helps where
// collections spread the instances by a hash of the id. It does not help where all
// new entries come last, as those of numbered kinds do.
//
// # Layout
//
// This is layout 3. The layout item says which one all items of a table have, and a
// process reads it at most once a minute, before it writes an instance. A table
// without that item has layout 1, unless it holds nothing: then the first command
// of an operator enters the newest ([Repository.Initialize]). A process that finds
// a newer layout than it knows writes no instance. With an older one it works, and
// says in the log that an upgrade is due. In layout 1, searches use no index but
// CodeIndex and the keys of GroupIndex.
//
// Layout 2 folded texts in another way: İ and ı were equal to no other letter, and
// the iota of a Greek diphthong was part of the letter before it. Until an upgrade
// to layout 3 begins, writes fold so too, and a deployment can be taken back; once
// one has, they fold as today. Where a code or a name has two forms, a write reads
// how it is stored, and takes no code that is guarded in either form, and searches
// look for both. So what was equal before stays so; what has become equal is found,
// and guarded, from the end of the upgrade on.
//
// Instances that have got the same code so share its guard. It is of the first one,
// the one whose code had this form before, if any; when that leaves the code, it is
// of the next.
//
// [Repository.Upgrade] brings a table to this layout while it is in use. It first
// says in the layout item what it is about to do, and waits until every process
// must have read that, and until what began before is over: a write looks at the
// layout before each of its attempts, and gives up if name rows are no longer kept,
// or are now.
//
// # Name rows
//
// A table may have rows by which a part of a name is found without reading all
// names. For kinds with [instance.Kind].NameSearch, each suffix of a folded name has
// a row, in the partition of its first rune; it is cut to 103 bytes, so that it fits
// into the sort key beside the longest id. A name that contains a text has a suffix
// that starts with it. A name of more than 45 runes has a single row among all long
// names instead, which every search reads, so that a rename fits into the 100 items
// of a transaction. Each write changes the rows in its own transaction, and only
// those that differ.
//
// Writes keep the rows if the layout item says that the table has them. Searches use
// them if they are complete and the process is told to ([Config].IndexedNames),
// unless the text is in so many names that a walk is as cheap. Both ways give the
// same answers in the same order, so that a cursor of one is valid in the other.
//
// # Reads
//
// Instances are read consistently. What an index says is a hint: each hit is read
// and matched again, so that no answer has a deleted, stale or foreign instance. A
// code that the index does not know yet is found through its guard. An index also
// has what other filters of a search need, so that only what matches all of them
// is read again.
//
// Only [Repository.All], which is for operators, scans: what is due to be purged is
// a range of the trash, of the ends of keys or of IdleIndex, and costs what it
// yields. Idempotency and history records are removed by the table's TTL, and count
// as absent from the moment that they expire.
//
// # Writes
//
// Every write is one TransactWriteItems with a token and a marker: an item that
// only this write makes, and that has its id. For instances this is the history
// record. A write whose response was lost, or arrived incomplete, is sent again
// with the same token; if DynamoDB then refuses it, the marker tells whether the
// reason is its own success. A write that cannot be sent again in time puts the
// marker itself. If that succeeds, the write can never take effect, and
// [instance.ErrUnavailable] is the truth; if the marker is there already, the write
// has succeeded. Only if even this fails is the error none of package instance: it
// says that the outcome is unknown.
//
// The record of an idempotency key is the first item of its transaction: that the
// key was used is the first reason against a write. The record is read apart only
// where the write is refused before it is sent. An update that changes nothing writes
// the record alone.
//
// A heartbeat ([Repository.Touch]) is the exception: one UpdateItem without a
// transaction, which may be repeated. It changes two times and the index of one of
// them, which no other write touches unless it is about them, and no condition of
// a replace reads.
//
// # Retries
//
// The client's own retries are switched off. Throttling, conflicts of transactions
// and faults of the server and the network are retried with full jitter until the
// deadline of the context, and then are [instance.ErrUnavailable].
package dynamo
