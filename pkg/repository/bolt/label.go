package bolt

import (
	"bytes"
	"encoding/binary"
	"slices"

	"go.etcd.io/bbolt"

	"instances/pkg/instance"
)

// The label of an instance is its folded name. The labels of a kind stand in
// the order of the positions of their instances, many to a value, so that a
// search by part of a name reads little, and compares whole runs of them at
// once. The key of a value is the kind and the position from which on its labels
// are, up to the next key; that of the first is the kind alone. A value is the
// place in it where the texts of the labels start, in 4 bytes; what their
// positions start with; for each label the rest of its position, and its length;
// and the texts.

// labelsSize is about how many bytes the labels of a value have. A write of a
// label writes all that share its value.
const labelsSize = 1 << 10

// label is the label of the instance at a position.
type label struct{ position, text []byte }

// labels reads a value.
type labels struct {
	// shared is what all positions start with. entries are the labels that are
	// left, without their texts, which are in texts, after end.
	shared, entries, texts []byte
	// rest is the rest of the position of the label that was read last, and
	// start and end where its text is.
	rest       []byte
	start, end int
}

func newLabels(value []byte) labels {
	if len(value) < 4 || uint64(binary.BigEndian.Uint32(value)) > uint64(len(value)) {
		panic(damaged("%s: a value cannot be read", labelsBucket))
	}
	texts := binary.BigEndian.Uint32(value)
	l := labels{texts: value[texts:]}
	l.shared, l.entries = cutText(value[4:max(4, texts)])
	return l
}

// next reads a label. It returns false after the last.
func (l *labels) next() bool {
	if len(l.entries) == 0 {
		return false
	}
	rest, entries := cutText(l.entries)
	length, n := binary.Uvarint(entries)
	if n <= 0 || length == 0 || length > uint64(len(l.texts)-l.end) {
		panic(damaged("%s: a value cannot be read", labelsBucket))
	}
	l.rest, l.entries, l.start, l.end = rest, entries[n:], l.end, l.end+int(length)
	return true
}

// find reads labels until one contains the part. It returns false if there is
// none.
func (l *labels) find(part []byte) bool {
	for {
		at := bytes.Index(l.texts[l.end:], part)
		if at < 0 {
			return false
		}
		for at += l.end; l.end <= at; {
			if !l.next() {
				return false
			}
		}
		// Otherwise the part begins in one label and ends in another.
		if at+len(part) <= l.end {
			return true
		}
	}
}

// appendPosition appends the position of the label that was read last.
func (l *labels) appendPosition(b []byte) []byte { return append(append(b, l.shared...), l.rest...) }

// readLabels returns all labels of a value. Their texts are parts of it.
func readLabels(value []byte) []label {
	l := newLabels(value)
	var all []label
	var positions []byte
	for l.next() {
		from := len(positions)
		positions = l.appendPosition(positions)
		all = append(all, label{positions[from:len(positions):len(positions)], l.texts[l.start:l.end]})
	}
	return all
}

// writeLabels returns a value.
func writeLabels(all []label) []byte {
	shared := all[0].position
	for !bytes.HasPrefix(all[len(all)-1].position, shared) {
		shared = shared[:len(shared)-1]
	}
	value := make([]byte, 4, 2*labelsSize)
	value = appendText(value, shared)
	for _, l := range all {
		value = appendText(value, l.position[len(shared):])
		value = binary.AppendUvarint(value, uint64(len(l.text)))
	}
	binary.BigEndian.PutUint32(value, uint32(len(value)))
	for _, l := range all {
		value = append(value, l.text...)
	}
	return value
}

// labelsAt moves c to the value that the label at a position is in, or would
// be. The key is nil if there is none.
func labelsAt(c cursor, kind, position []byte) (key, value []byte) {
	return before(c, kind, appendNext(nil, slices.Concat(kind, position)))
}

// labelAt returns the label at a position, or nil.
func labelAt(tx *bbolt.Tx, kind instance.Kind, position []byte) []byte {
	key, value := labelsAt(bucket(tx, labelsBucket).Cursor(), parts(kind.Name), position)
	if key == nil {
		return nil
	}
	all := readLabels(value)
	n, found := slices.BinarySearchFunc(all, position, comparePosition)
	if !found {
		return nil
	}
	return all[n].text
}

func comparePosition(l label, position []byte) int { return bytes.Compare(l.position, position) }

// setLabel sets the label at a position. An empty text removes it.
func setLabel(tx *bbolt.Tx, kind instance.Kind, position []byte, text string) error {
	stored, prefix := bucket(tx, labelsBucket), parts(kind.Name)
	key, value := labelsAt(stored.Cursor(), prefix, position)
	var all []label
	if key == nil {
		key = prefix
	} else {
		all = readLabels(value)
	}
	n, found := slices.BinarySearchFunc(all, position, comparePosition)
	if found {
		all = slices.Delete(all, n, n+1)
	}
	if text != "" {
		all = slices.Insert(all, n, label{position, []byte(text)})
	}
	// What a cursor returned may change with the next write.
	key = bytes.Clone(key)
	if len(all) == 0 {
		return stored.Delete(key)
	}
	whole := writeLabels(all)
	if len(whole) <= labelsSize || len(all) == 1 {
		return stored.Put(key, whole)
	}
	cut := len(all) - 1
	if n < cut {
		cut = middle(all)
	}
	first, second := writeLabels(all[:cut]), writeLabels(all[cut:])
	secondKey := slices.Concat(prefix, all[cut].position)
	if err := stored.Put(key, first); err != nil {
		return err
	}
	return stored.Put(secondKey, second)
}

// middle returns how many of the labels, of which there are more than one, are
// about half of their bytes.
func middle(all []label) int {
	size := 0
	for _, l := range all {
		size += len(l.text)
	}
	half := 0
	for n, l := range all[:len(all)-1] {
		if half += len(l.text); half >= size/2 {
			return n + 1
		}
	}
	return len(all) - 1
}

// findNames finds the instances whose folded names contain the part. It looks
// at one value at a time.
func findNames(tx *bbolt.Tx, kind instance.Kind, part []byte) finder {
	prefix := parts(kind.Name)
	c := bucket(tx, labelsBucket).Cursor()
	var l labels
	var at []byte
	begun := false
	return func(from []byte) ([]byte, []byte, bool) {
		if !begun {
			key, value := labelsAt(c, prefix, from)
			if key == nil {
				key, value = following(c, prefix, nil)
			}
			if key == nil {
				return nil, nil, false
			}
			l, begun = newLabels(value), true
		}
		for l.find(part) {
			if at = l.appendPosition(at[:0]); bytes.Compare(at, from) >= 0 {
				return at, nil, true
			}
		}
		key, value := c.Next()
		if !bytes.HasPrefix(key, prefix) {
			return nil, nil, false
		}
		l = newLabels(value)
		return key[len(prefix):], nil, false
	}
}
