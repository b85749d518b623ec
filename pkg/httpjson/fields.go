package httpjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Fields reads the members of a JSON object by name and collects what is wrong
// with them, so that the client learns everything at once. A missing or null
// member counts as not given. Fields must not be used concurrently.
type Fields struct {
	members map[string]json.RawMessage
	// noun is what a field is called: "field" or "query parameter".
	noun   string
	errors []FieldError
}

// NewFields returns a reader of members.
func NewFields(members map[string]json.RawMessage) *Fields {
	return &Fields{members: members, noun: "field"}
}

// BadField returns a [RequestError] of status 400 about one field.
func BadField(field, message string) error {
	f := NewFields(nil)
	f.Reject(field, message)
	return f.Err()
}

// Reject records an error about a field.
func (f *Fields) Reject(field, message string) {
	f.errors = append(f.errors, FieldError{Field: field, Message: message})
}

// Err returns a [RequestError] of status 400 that names every bad field, in
// the order in which they were read, or nil.
func (f *Fields) Err() error {
	if len(f.errors) == 0 {
		return nil
	}
	detail := "1 " + f.noun + " is not valid."
	if n := len(f.errors); n > 1 {
		detail = strconv.Itoa(n) + " " + f.noun + "s are not valid."
	}
	return &RequestError{Status: http.StatusBadRequest, Detail: detail, Fields: f.errors}
}

// Problems returns what is wrong in one line, such as "name is required"; it is
// empty where nothing is.
func (f *Fields) Problems() string { return join(f.errors) }

// Raw returns the JSON value of a member, or nil if it is not given.
func (f *Fields) Raw(field string) json.RawMessage {
	raw := f.members[field]
	if isNull(raw) {
		return nil
	}
	return raw
}

// String returns a text of at most maxLength characters (Unicode code
// points), or nil if it is not given or not valid.
func (f *Fields) String(field string, maxLength int) *string {
	raw := f.Raw(field)
	if raw == nil {
		return nil
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		f.Reject(field, "must be a string, not "+typeOf(raw))
		return nil
	}
	if n := utf8.RuneCountInString(s); n > maxLength {
		f.Reject(field, fmt.Sprintf("must have at most %d characters, not %d", maxLength, n))
		return nil
	}
	return &s
}

// Line returns what String does, if it has no control characters.
func (f *Fields) Line(field string, maxLength int) *string {
	s := f.String(field, maxLength)
	if s != nil && strings.ContainsFunc(*s, unicode.IsControl) {
		f.Reject(field, "must not have control characters")
		return nil
	}
	return s
}

// Bool returns a boolean, or nil if it is not given or not valid.
func (f *Fields) Bool(field string) *bool {
	raw := f.Raw(field)
	if raw == nil {
		return nil
	}
	var b bool
	if json.Unmarshal(raw, &b) != nil {
		f.Reject(field, "must be true or false, not "+typeOf(raw))
		return nil
	}
	return &b
}

// Integer returns a 64-bit integer, however it is written, or nil if it is not given or not valid.
func (f *Fields) Integer(field string) *int64 {
	raw := f.Raw(field)
	if raw == nil {
		return nil
	}
	n, message := integer(raw)
	if message != "" {
		f.Reject(field, message)
		return nil
	}
	return &n
}

// Integers returns a list of 64-bit integers, or nil if it is not given or not
// valid.
func (f *Fields) Integers(field string) []int64 {
	list := f.List(field)
	if list == nil {
		return nil
	}
	numbers := make([]int64, 0, len(list))
	for i, raw := range list {
		n, message := integer(raw)
		if message != "" {
			f.Reject(fmt.Sprintf("%s[%d]", field, i), message)
			return nil
		}
		numbers = append(numbers, n)
	}
	return numbers
}

// List returns the entries of a list, or nil if it is not given or not valid.
func (f *Fields) List(field string) []json.RawMessage {
	raw := f.Raw(field)
	if raw == nil {
		return nil
	}
	list := []json.RawMessage{}
	if json.Unmarshal(raw, &list) != nil {
		f.Reject(field, "must be a list, not "+typeOf(raw))
		return nil
	}
	return list
}

// integer parses a JSON integer, or says what is wrong with it.
func integer(raw json.RawMessage) (n int64, message string) {
	if kind := typeOf(raw); kind != "a number" {
		return 0, "must be an integer, not " + kind
	}
	n, ok := ParseInteger(string(bytes.TrimSpace(raw)))
	if !ok {
		return 0, "must be an integer of 64 bits"
	}
	return n, ""
}

// isNull reports whether a member is missing or null.
func isNull(raw json.RawMessage) bool {
	return len(raw) == 0 || string(bytes.TrimSpace(raw)) == "null"
}

// typeOf names the JSON type of a valid value, with its article.
func typeOf(raw json.RawMessage) string {
	switch bytes.TrimSpace(raw)[0] {
	case '"':
		return "a string"
	case '{':
		return "an object"
	case '[':
		return "a list"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	default:
		return "a number"
	}
}
