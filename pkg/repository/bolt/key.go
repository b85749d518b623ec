package bolt

import (
	"crypto/sha256"
	"encoding/binary"
	"time"

	"instances/pkg/fold"
	"instances/pkg/instance"
)

// appendPart appends a part of a key: 0x00 becomes 0x00 0xFF, and 0x00 0x01
// ends it. So keys sort part by part, and no part runs into the next.
func appendPart(key []byte, part string) []byte {
	for i := range len(part) {
		key = append(key, part[i])
		if part[i] == 0 {
			key = append(key, 0xFF)
		}
	}
	return append(key, 0, 1)
}

// parts returns the key of some parts.
func parts(texts ...string) []byte {
	size := 0
	for _, text := range texts {
		size += len(text) + 2
	}
	key := make([]byte, 0, size)
	for _, text := range texts {
		key = appendPart(key, text)
	}
	return key
}

// idKey is the key of what belongs to an id, whichever instance has it.
func idKey(k instance.Key) []byte { return parts(k.Kind.Name, k.Collection, k.ID) }

// instanceKey is the key of an instance.
func instanceKey(i instance.Instance) []byte {
	return parts(i.Kind.Name, i.Collection, i.SortKey())
}

// position is an instance's place within its kind, the end of its key.
func position(p instance.Position) []byte { return parts(p.Collection, p.SortKey) }

// indexText returns a folded text for the key of an index, of bounded length
// and still different for different texts.
func indexText(folded string) string {
	const whole, cut = 512, 481
	if len(folded) <= whole {
		return folded
	}
	sum := sha256.Sum256([]byte(folded))
	// One byte longer than the longest text that is kept whole.
	return folded[:cut] + string(sum[:])
}

// codeKey is the guard and index entry of a code.
func codeKey(kind instance.Kind, code string) []byte {
	return parts(kind.Name, indexText(fold.String(code)))
}

// groupKey starts the index entries of a group, in front of a position.
func groupKey(kind instance.Kind, group string) []byte {
	return parts(kind.Name, indexText(fold.String(group)))
}

// groupEntry is the index entry of an instance that has a group.
func groupEntry(i instance.Instance) []byte {
	return append(groupKey(i.Kind, i.Group), position(instance.Position{Collection: i.Collection, SortKey: i.SortKey()})...)
}

// appendNumber appends n so that keys sort by it.
func appendNumber(key []byte, n uint64) []byte { return binary.BigEndian.AppendUint64(key, n) }

// appendTime appends t so that keys sort by it, to the millisecond.
func appendTime(key []byte, t time.Time) []byte {
	return appendNumber(key, uint64(t.UnixMilli())^1<<63)
}
