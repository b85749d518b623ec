package bolt

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"time"

	"instances/pkg/instance"
)

// appendPart appends a part of a key: 0x00 becomes 0x00 0xFF, and 0x00 0x01
// ends it. Keys sort part by part, and no part runs into the next.
func appendPart(key []byte, part string) []byte {
	for i := range len(part) {
		key = append(key, part[i])
		if part[i] == 0 {
			key = append(key, 0xFF)
		}
	}
	return append(key, 0, 1)
}

// parts returns the key that consists of the texts.
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

// idKey is the key of what belongs to an ID, whichever instance has it.
func idKey(k instance.Key) []byte { return parts(k.Kind.Name, k.Collection, k.ID) }

// instanceKey is the key of an instance.
func instanceKey(i instance.Instance) []byte {
	return parts(i.Kind.Name, i.Collection, i.SortKey())
}

// trashPrefix is the start of the key of an instance that was deleted at that
// time. A number follows.
func trashPrefix(i instance.Instance, at time.Time) []byte {
	return append(appendTime(parts(i.Kind.Name), at), parts(i.ID, i.Incarnation)...)
}

// position is the end of an instance's key: its place within its kind.
func position(p instance.Position) []byte { return parts(p.Collection, p.SortKey) }

// positionOf is the position of an instance.
func positionOf(i instance.Instance) []byte { return parts(i.Collection, i.SortKey()) }

// indexText shortens a folded text for the key of an index. Different texts
// stay different.
func indexText(folded string) string {
	const whole, cut = 512, 481
	if len(folded) <= whole {
		return folded
	}
	sum := sha256.Sum256([]byte(folded))
	// One byte longer than the longest text that is kept whole.
	return folded[:cut] + string(sum[:])
}

// appendNumber appends n so that keys sort by it.
func appendNumber(key []byte, n uint64) []byte { return binary.BigEndian.AppendUint64(key, n) }

// numberSize is the length of a number or a time in a key.
const numberSize = 8

// appendTime appends t so that keys sort by it, to the millisecond.
func appendTime(key []byte, t time.Time) []byte {
	return appendNumber(key, uint64(t.UnixMilli())^1<<63)
}

// cutTime returns the time that part of a key starts with, and what follows.
func cutTime(key []byte) (t time.Time, rest []byte) {
	ms, rest := cutNumber(key)
	return time.UnixMilli(int64(ms ^ 1<<63)).UTC(), rest
}

// cutNumber returns the number that part of a key starts with, and what
// follows.
func cutNumber(key []byte) (n uint64, rest []byte) {
	return binary.BigEndian.Uint64(key), key[numberSize:]
}

// cutPart returns the part that a key starts with, and what follows it.
func cutPart(key []byte) (part string, rest []byte) {
	end := bytes.Index(key, []byte{0, 1})
	if end < 0 {
		return "", nil
	}
	return string(bytes.ReplaceAll(key[:end], []byte{0, 0xFF}, []byte{0})), key[end+2:]
}
