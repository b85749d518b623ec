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
	// maxPartitionBytes is the length that DynamoDB allows for a partition key.
	maxPartitionBytes = 2048
	// maxKeyBytes bounds collection and id together, so that every sort key
	// made from them stays below DynamoDB's 1,024 bytes.
	maxKeyBytes = 900
	// maxSortExtra is by how much a sort key may be longer than its id.
	maxSortExtra = 19
	// maxSortBytes is the length that DynamoDB allows for a sort key.
	maxSortBytes = 1024
	// shards is the number of partitions for the trash of a kind, and for its
	// idle instances.
	shards = 16
	// nul ends a collection inside a key.
	nul = "\x00"
)

// itemKey is the primary key of an item.
type itemKey struct {
	PK string `dynamodbav:"pk"`
	SK string `dynamodbav:"sk"`
}

// attributes returns k in the form that DynamoDB takes.
func (k itemKey) attributes() map[string]types.AttributeValue {
	return map[string]types.AttributeValue{"pk": text(k.PK), "sk": text(k.SK)}
}

// text returns s in the form that DynamoDB takes.
func text(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }

// valid reports whether an instance can have the key.
func valid(k instance.Key) bool {
	return fits(k) && !strings.Contains(k.Collection, nul) && repository.CheckID(k) == nil
}

// fits reports whether the keys made from k are short enough.
func fits(k instance.Key) bool { return len(k.Collection)+len(k.ID) <= maxKeyBytes }

// validPosition reports whether an instance can have the position, or whether
// keys made from it can be compared with those of instances.
func validPosition(p instance.Position) bool {
	return len(p.Collection)+len(p.SortKey) <= maxKeyBytes+maxSortExtra && !strings.Contains(p.Collection, nul)
}

// partition is the partition of the instances of a collection.
func partition(kind instance.Kind, collection string) string {
	return "instance#" + kind.Name + "#" + collection
}

// collectionOf is the inverse of partition.
func collectionOf(kind instance.Kind, pk string) (string, bool) {
	return strings.CutPrefix(pk, partition(kind, ""))
}

// joined returns a collection and a sort key or id in it as one text, which sorts
// as the two do.
func joined(collection, within string) string { return collection + nul + within }

// guardKey is the item that makes a folded code unique. A very long code is
// guarded by its hash.
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
		// The lengths keep apart records whose parts join to the same text.
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return itemKey{"idempotency#" + hex.EncodeToString(h.Sum(nil)), "record"}
}

// counterKey is the item that counts the numbers of a kind.
func counterKey(kind instance.Kind) itemKey { return itemKey{"number#" + kind.Name, "counter"} }

// directoryKey is the item that says that a collection is in use.
func directoryKey(kind instance.Kind, collection string) itemKey {
	return itemKey{"collections#" + kind.Name, collection}
}

// historyPartition is the partition of the history of an instance.
func historyPartition(k instance.Key) string {
	return "history#" + k.Kind.Name + "#" + joined(k.Collection, k.ID)
}

// pointerKey is the item that says where an instance is if its id does not.
func pointerKey(k instance.Key) itemKey {
	return itemKey{"pointer#" + k.Kind.Name + "#" + k.Collection, k.ID}
}

// documentKey is the item of a document.
func documentKey(name string) itemKey { return itemKey{"document#" + name, "document"} }

// shard returns the shard of an instance with the id.
func shard(id string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return int(h.Sum32() % shards)
}

// trashPartition is the partition of a shard of the trash.
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

// sortableTime returns t as a text that sorts as times do, to the nanosecond.
func sortableTime(t time.Time) string {
	return t.UTC().Format("2006-01-02T15:04:05.000000000Z")
}

// day returns the day of t in UTC. Days sort as times do.
func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// cut returns the longest prefix of s that has at most limit bytes and ends with
// a whole rune.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// indexPartition is the partition key of an index for what has that text.
func indexPartition(kind instance.Kind, text string) string {
	return cut(kind.Name+"#"+text, maxPartitionBytes)
}
