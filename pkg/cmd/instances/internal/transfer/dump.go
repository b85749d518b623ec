// Package transfer moves instances out of a registry and into another one.
package transfer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"instances/pkg/auth"
	"instances/pkg/cmd/instances/internal/kinds"
	"instances/pkg/instance"
)

// A dump is what export writes and import reads: JSON values, one a line. The
// first line is a [dumpHeader], the last a [dumpEnd], and each between them a
// [dumpLine].
const (
	dumpFormat  = "instances"
	dumpVersion = 1
	// maxLine is the size of the longest line, in bytes: an instance takes
	// [instance.MaxStoredBytes], and six times as much where JSON escapes all
	// of it.
	maxLine = 4 << 20
	// maxDumpNumber is the largest number that an instance can be imported
	// with: the largest integer that every reader of JSON keeps exactly. It
	// leaves enough for those that come after it.
	maxDumpNumber = 1<<53 - 1
)

// dumpHeader says what the file is.
type dumpHeader struct {
	Format     string `json:"format"`
	Version    int    `json:"version"`
	ExportedAt stamp  `json:"exportedAt"`
}

// dumpLine is an instance. Its collection is left out: it follows from the
// rest. What it does not have is left out too.
type dumpLine struct {
	Kind        string          `json:"kind"`
	ID          string          `json:"id"`
	Owner       string          `json:"owner,omitempty"`
	Code        string          `json:"code,omitempty"`
	Group       string          `json:"group,omitempty"`
	SubGroup    string          `json:"subGroup,omitempty"`
	Name        string          `json:"name,omitempty"`
	Status      string          `json:"status,omitempty"`
	Active      bool            `json:"active"`
	Version     int64           `json:"version"`
	Incarnation string          `json:"incarnation"`
	CreatedAt   stamp           `json:"createdAt,omitzero"`
	UpdatedAt   stamp           `json:"updatedAt,omitzero"`
	LastSeenAt  stamp           `json:"lastSeenAt,omitzero"`
	IdleSince   stamp           `json:"idleSince,omitzero"`
	Attributes  json.RawMessage `json:"attributes,omitempty"`
}

// dumpEnd says that the file is whole, and how many instances of each kind it
// has.
type dumpEnd struct {
	End dumpCounts `json:"end"`
}

// dumpCounts are numbers of instances by the names of their kinds.
type dumpCounts map[string]int

func newDumpCounts() dumpCounts {
	counts := dumpCounts{}
	for _, d := range kinds.All() {
		counts[d.Name] = 0
	}
	return counts
}

func (n dumpCounts) total() int {
	sum := 0
	for _, count := range n {
		sum += count
	}
	return sum
}

// String tells the numbers for a message.
func (n dumpCounts) String() string {
	var texts []string
	for _, d := range kinds.All() {
		texts = append(texts, fmt.Sprintf("%d %s", n[d.Name], d.Kind))
	}
	return strings.Join(texts, ", ")
}

// stamp is a time as a dump has it: RFC 3339 in UTC, to the millisecond.
type stamp struct{ time.Time }

// MarshalJSON returns the time as a string.
func (s stamp) MarshalJSON() ([]byte, error) {
	return json.Marshal(s.UTC().Format("2006-01-02T15:04:05.000Z07:00"))
}

// UnmarshalJSON reads a time, and leaves out what is below a millisecond.
func (s *stamp) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return fmt.Errorf("%s is not a time", b)
	}
	at, err := time.Parse(time.RFC3339, text)
	// The repositories count milliseconds since 1970, and take 0 for none.
	if err != nil || at.UnixMilli() < 1 || at.UTC().Year() > 9999 {
		return fmt.Errorf("%q is not a time such as 2030-01-01T12:00:00.000Z", text)
	}
	s.Time = time.UnixMilli(at.UnixMilli()).UTC()
	return nil
}

// encodeDump returns a line of a dump, with its end.
func encodeDump(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// newDumpLine returns the line of an instance. It fails where the line would
// bring it elsewhere.
func newDumpLine(i instance.Instance) (dumpLine, error) {
	l := dumpLine{
		Kind: i.Kind.Name, ID: i.ID, Owner: i.Owner, Code: i.Code, Group: i.Group, SubGroup: i.SubGroup,
		Name: i.Name, Status: i.Status, Active: i.Active, Version: i.Version, Incarnation: i.Incarnation,
		CreatedAt: stamp{i.CreatedAt}, UpdatedAt: stamp{i.UpdatedAt}, LastSeenAt: stamp{i.LastSeenAt},
		IdleSince: stamp{i.IdleSince}, Attributes: i.Attributes,
	}
	if _, key, err := l.key(); err != nil || key != i.Key() {
		return dumpLine{}, fmt.Errorf("the %s of the owner %q is not where its id and owner put it", i.Key(), i.Owner)
	}
	return l, nil
}

// key returns the kind of the instance, and its key.
func (l dumpLine) key() (kinds.Kind, instance.Key, error) {
	d, ok := kinds.Named(l.Kind)
	if !ok {
		return kinds.Kind{}, instance.Key{}, fmt.Errorf("kind: unknown kind %q: want %s", l.Kind, kinds.List())
	}
	if (d.PerOwner || l.Owner != "") && !auth.ValidName(l.Owner) {
		return kinds.Kind{}, instance.Key{}, fmt.Errorf("owner: %q is not 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-'", l.Owner)
	}
	key, err := d.Key(l.Owner, l.ID)
	if err != nil || key.ID != l.ID {
		return kinds.Kind{}, instance.Key{}, fmt.Errorf("id: no %s instance can have the id %q", l.Kind, l.ID)
	}
	return d, key, nil
}

// instance returns the instance of the line. An error names the field that is
// wrong.
func (l dumpLine) instance() (instance.Instance, error) {
	d, key, err := l.key()
	if err != nil {
		return instance.Instance{}, err
	}
	i := instance.Instance{
		Kind: key.Kind, Collection: key.Collection, ID: key.ID, Owner: l.Owner, Code: l.Code, Group: l.Group,
		SubGroup: l.SubGroup, Name: l.Name, Status: l.Status, Active: l.Active, Version: l.Version,
		Incarnation: l.Incarnation, CreatedAt: l.CreatedAt.Time, UpdatedAt: l.UpdatedAt.Time,
		LastSeenAt: l.LastSeenAt.Time, IdleSince: l.IdleSince.Time, Attributes: l.Attributes,
	}
	switch {
	case l.Version < 1:
		return instance.Instance{}, fmt.Errorf("version: %d is not positive", l.Version)
	case l.Incarnation == "" || len(l.Incarnation) > 64 || strings.Trim(l.Incarnation, "0123456789abcdef") != "":
		return instance.Instance{}, fmt.Errorf("incarnation: %q is not 1 to 64 hexadecimal digits", l.Incarnation)
	case i.CreatedAt.IsZero():
		return instance.Instance{}, errors.New("createdAt: is missing")
	case i.UpdatedAt.IsZero():
		return instance.Instance{}, errors.New("updatedAt: is missing")
	case !bytes.HasPrefix(l.Attributes, []byte("{")):
		return instance.Instance{}, errors.New("attributes: not a JSON object")
	case i.StoredSize() > instance.MaxStoredBytes:
		return instance.Instance{}, fmt.Errorf("the instance takes %d bytes, and may take %d", i.StoredSize(), instance.MaxStoredBytes)
	case number(i) > maxDumpNumber:
		return instance.Instance{}, fmt.Errorf("id: %s is larger than %d", l.ID, int64(maxDumpNumber))
	}
	return i, d.Check(i)
}

// errLineTooLong says that a line is longer than any of a dump.
var errLineTooLong = fmt.Errorf("longer than %d bytes", maxLine)

// dumpReader reads the lines of a dump.
type dumpReader struct {
	r *bufio.Reader
	// number is that of the line that was read last, counted from 1, and end
	// the offset after it.
	number int
	end    int64
}

func newDumpReader(r io.Reader) *dumpReader { return &dumpReader{r: bufio.NewReaderSize(r, 64<<10)} }

// line returns the next line without its end, and whether it has one: only the
// last may lack it. The line is valid until the next call. The error is io.EOF
// after the last.
func (d *dumpReader) line() (line []byte, whole bool, err error) {
	d.number++
	for {
		part, err := d.r.ReadSlice('\n')
		d.end += int64(len(part))
		if err == nil && line == nil {
			return part[:len(part)-1], true, nil
		}
		line = append(line, part...)
		switch {
		case len(line) > maxLine:
			return nil, false, errLineTooLong
		case err == nil:
			return line[:len(line)-1], true, nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(line) > 0:
			return line, false, nil
		default:
			return nil, false, err
		}
	}
}

// decodeDump reads one JSON value with nothing after it and no field that is
// unknown.
func decodeDump(line []byte, v any) error {
	if !utf8.Valid(line) {
		return errors.New("not valid UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("the line is empty")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the JSON is cut off")
	case err != nil:
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is something after the JSON object")
	}
	return nil
}

// decodeHeader checks the first line.
func decodeHeader(line []byte) error {
	var h dumpHeader
	if err := json.Unmarshal(line, &h); err != nil || h.Format != dumpFormat {
		return fmt.Errorf(`not an export of instances, which starts with {"format":%q`, dumpFormat)
	}
	if h.Version != dumpVersion {
		return fmt.Errorf("version %d of the format, and this command knows %d: use the one that made the file", h.Version, dumpVersion)
	}
	return nil
}

// decodeLine reads a line after the first: an instance, or the end. The end is
// nil where it is none.
func decodeLine(line []byte) (dumpLine, dumpCounts, error) {
	var l struct {
		dumpLine
		dumpEnd
	}
	err := decodeDump(line, &l)
	if err == nil {
		return l.dumpLine, l.End, nil
	}
	rest, attributes, ok := cutAttributes(line)
	if !ok {
		return dumpLine{}, nil, err
	}
	if err := decodeDump(rest, &l); err != nil {
		return dumpLine{}, nil, err
	}
	l.Attributes = attributes
	return l.dumpLine, l.End, nil
}
