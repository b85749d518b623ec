package dynamo

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/instance"
	"instances/pkg/repository"
)

const (
	// maxPartitionBytes is how long DynamoDB lets a partition key be.
	maxPartitionBytes = 2048
	// maxKeyBytes bounds collection and id together, so that every sort key
	// made of them stays under DynamoDB's 1,024 bytes.
	maxKeyBytes = 900
	// maxSortExtra is by how much a sort key may be longer than its id.
	maxSortExtra = 19
	// maxSortBytes is how long DynamoDB lets a sort key be.
	maxSortBytes = 1024
	// shards is how many partitions the trash of a kind has, and what is idle
	// of it.
	shards = 16
	// nul ends a collection inside a key.
	nul = "\x00"
)

// itemKey is the primary key of an item.
type itemKey struct {
	PK string `dynamodbav:"pk"`
	SK string `dynamodbav:"sk"`
}

// attributes returns k as DynamoDB takes it.
func (k itemKey) attributes() map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"pk": text(k.PK), "sk": text(k.SK)}
}

// text returns s as DynamoDB takes it.
func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// valid reports whether an instance can have the key.
func valid(k instance.Key) bool {
	return fits(k) && !strings.Contains(k.Collection, nul) && repository.CheckID(k) == nil
}

// fits reports whether the keys that are made of k are short enough.
func fits(k instance.Key) bool { return len(k.Collection)+len(k.ID) <= maxKeyBytes }

// validPosition reports whether an instance can have the position, or keys
// made of it be compared with those of instances.
func validPosition(p instance.Position) bool {
	return len(p.Collection)+len(p.SortKey) <= maxKeyBytes+maxSortExtra && !strings.Contains(p.Collection, nul)
}

// partition is where the instances of a collection are.
func partition(kind instance.Kind, collection string) string {
	return "instance#" + kind.Name + "#" + collection
}

// collectionOf is the reverse of partition.
func collectionOf(kind instance.Kind, pk string) (string, bool) {
	return strings.CutPrefix(pk, partition(kind, ""))
}

// place returns the collection and a sort key or an id in it as one text,
// which sorts as the two do.
func place(collection, within string) string { return collection + nul + within }

// guardKey is the item that makes a folded code unique. A code that is longer
// than any sensible one is guarded by its hash.
func guardKey(kind instance.Kind, folded string) itemKey {
	if len(folded) > maxKeyBytes {
		sum := sha256.Sum256([]byte(folded))
		folded = "#" + hex.EncodeToString(sum[:])
	}
	return itemKey{"code#" + kind.Name + "#" + folded, "guard"}
}

// idempotencyKey is the item of an idempotency record.
func idempotencyKey(i *instance.Idempotency) itemKey {
	h := sha256.New()
	for _, part := range []string{i.Owner, i.Route, i.Key} {
		// The length in front keeps two records apart whose parts join to
		// one text.
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return itemKey{"idempotency#" + hex.EncodeToString(h.Sum(nil)), "record"}
}

// counterKey is the item of the sequence of a kind.
func counterKey(kind instance.Kind) itemKey { return itemKey{"number#" + kind.Name, "counter"} }

// directoryKey is the item that says that a collection is in use.
func directoryKey(kind instance.Kind, collection string) itemKey {
	return itemKey{"collections#" + kind.Name, collection}
}

// historyPartition is where the history of an instance is.
func historyPartition(k instance.Key) string {
	return "history#" + k.Kind.Name + "#" + place(k.Collection, k.ID)
}

// pointerKey is the item that says where the instance is whose id does not
// tell it.
func pointerKey(k instance.Key) itemKey {
	return itemKey{"pointer#" + k.Kind.Name + "#" + k.Collection, k.ID}
}

// documentKey is the item of a document.
func documentKey(name string) itemKey { return itemKey{"document#" + name, "document"} }

// shard is the one that an instance with the id belongs to.
func shard(id string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return int(h.Sum32() % shards)
}

// trashPartition is a shard of the trash.
func trashPartition(kind instance.Kind, shard int) string {
	return fmt.Sprintf("trash#%s#%02d", kind.Name, shard)
}

// idlePartition is a partition key of IdleIndex.
func idlePartition(kind instance.Kind, shard int) string {
	return fmt.Sprintf("%s#%02d", kind.Name, shard)
}

// endingKey is the item that says when the key with the hash ends.
func endingKey(at time.Time, hash string) itemKey {
	return itemKey{"endings", sortableTime(at) + "#" + hash}
}

// sortableTime returns a text that sorts as times do, to the nanosecond.
func sortableTime(t time.Time) string {
	return t.UTC().Format("2006-01-02T15:04:05.000000000Z")
}

// day returns the day of t in UTC. Days sort as times do.
func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// cut returns the longest start of s that has at most limit bytes and ends
// with a whole rune.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// indexPartition is a partition key of CodeIndex or GroupIndex.
func indexPartition(kind instance.Kind, folded string) string {
	return cut(kind.Name+"#"+folded, maxPartitionBytes)
}
