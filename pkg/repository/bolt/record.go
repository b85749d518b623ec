package bolt

import (
	"bytes"
	"encoding/binary"
	"time"

	"instances/pkg/fold"
	"instances/pkg/instance"
	"instances/pkg/repository"
)

// recordVersion starts every record of an instance, or did so before
// IdleSince was part of it.
const (
	recordVersion    = 2
	oldRecordVersion = 1
)

// encode returns the record of i. It starts with the folded group, subgroup
// and name, so that a walk can pass over a record without decoding it. The
// kind is in the key.
func encode(i instance.Instance) []byte {
	group, subGroup, name := fold.String(i.Group), fold.String(i.SubGroup), fold.String(i.Name)
	b := make([]byte, 0, i.StoredSize()+len(group)+len(subGroup)+len(name)+128)
	b = append(b, recordVersion)
	for _, text := range []string{
		group, subGroup, name,
		i.Collection, i.ID, i.Code, i.Group, i.SubGroup, i.Name, i.Owner, i.Status, i.Incarnation,
	} {
		b = appendText(b, text)
	}
	active := byte(0)
	if i.Active {
		active = 1
	}
	b = append(b, active)
	b = binary.AppendVarint(b, i.Version)
	for _, t := range []time.Time{i.CreatedAt, i.UpdatedAt, i.LastSeenAt, i.IdleSince} {
		b = binary.AppendVarint(b, t.UnixMilli())
	}
	if i.Attributes == nil {
		return append(b, 0)
	}
	return append(append(b, 1), i.Attributes...)
}

func appendText[T string | []byte](b []byte, text T) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// decode returns the instance of a record. It keeps nothing of value.
func decode(kind instance.Kind, value []byte) (instance.Instance, error) {
	r := newReader(value)
	version := r.byte()
	if version != recordVersion && version != oldRecordVersion {
		return instance.Instance{}, damaged("the record of an instance cannot be read")
	}
	for range 3 {
		_ = r.text()
	}
	i := instance.Instance{Kind: kind}
	for _, text := range []*string{
		&i.Collection, &i.ID, &i.Code, &i.Group, &i.SubGroup, &i.Name, &i.Owner, &i.Status, &i.Incarnation,
	} {
		*text = r.text()
	}
	i.Active = r.byte() == 1
	i.Version = r.varint()
	for _, t := range []*time.Time{&i.CreatedAt, &i.UpdatedAt, &i.LastSeenAt} {
		*t = time.UnixMilli(r.varint()).UTC()
	}
	if version == recordVersion {
		i.IdleSince = time.UnixMilli(r.varint()).UTC()
	}
	if r.byte() == 1 {
		i.Attributes = bytes.Clone(r.rest)
	}
	if r.failed {
		return instance.Instance{}, damaged("the record of an instance cannot be read")
	}
	return i, nil
}

// reader takes a record apart. After a failure it returns zero values.
type reader struct {
	// copied is the record; the texts are parts of it. rest is what is left.
	copied string
	rest   []byte
	failed bool
}

func newReader(record []byte) *reader { return &reader{copied: string(record), rest: record} }

// take returns the next n bytes.
func (r *reader) take(n uint64) string {
	if r.failed || n > uint64(len(r.rest)) {
		r.failed = true
		return ""
	}
	start := len(r.copied) - len(r.rest)
	r.rest = r.rest[n:]
	return r.copied[start : start+int(n)]
}

func (r *reader) byte() byte {
	if b := r.take(1); b != "" {
		return b[0]
	}
	return 0
}

func (r *reader) varint() int64 {
	n, size := binary.Varint(r.rest)
	r.pass(size)
	return n
}

func (r *reader) text() string {
	n, size := binary.Uvarint(r.rest)
	r.pass(size)
	return r.take(n)
}

// pass moves past a number of size bytes. A size that is not positive stands
// for no number.
func (r *reader) pass(size int) {
	if size <= 0 {
		r.failed = true
		return
	}
	r.rest = r.rest[size:]
}

// statusPlace is how many texts are between the folded name and the status of
// a record.
const statusPlace = 7

// filter tells by the start of a record whether it matches.
type filter struct {
	group, subGroup, name, status []byte
}

// newFilter folds the texts of q.
func newFilter(q instance.Query) filter {
	m := repository.NewMatcher(q)
	return filter{group: []byte(m.Group), subGroup: []byte(m.SubGroup), name: []byte(m.Name), status: []byte(m.Status)}
}

// match reports whether the record has every text of the query but the code.
func (f filter) match(value []byte) bool {
	if len(value) == 0 || value[0] != recordVersion && value[0] != oldRecordVersion {
		// Let decode report it.
		return true
	}
	group, rest := cutText(value[1:])
	subGroup, rest := cutText(rest)
	name, rest := cutText(rest)
	return (len(f.group) == 0 || bytes.Equal(group, f.group)) &&
		(len(f.subGroup) == 0 || bytes.Equal(subGroup, f.subGroup)) &&
		bytes.Contains(name, f.name) && (len(f.status) == 0 || f.matchStatus(rest))
}

// matchStatus reports whether the record has the status, given what follows
// its folded texts.
func (f filter) matchStatus(rest []byte) bool {
	for range statusPlace {
		_, rest = cutText(rest)
	}
	status, _ := cutText(rest)
	return bytes.Equal(status, f.status)
}

// cutText returns the text that b starts with, and what follows.
func cutText(b []byte) (text, rest []byte) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return nil, nil
	}
	return b[n : n+int(size)], b[n+int(size):]
}
