package httpjson

import "strings"

// RequestError is a fault in the request. Its texts are for the client and hold
// nothing internal.
type RequestError struct {
	// Status is the usual HTTP status; a dialect may choose another.
	Status int
	// Detail is a sentence.
	Detail string
	// Fields has an entry for each bad field.
	Fields []FieldError
	// ETag, unless it is empty, is the current entity tag of what the request is
	// about, for a header.
	ETag string
}

// FieldError says what is wrong with a field of a body, or with a parameter.
type FieldError struct {
	// Field names the field, list entries as in environments[3].
	Field string `json:"field"`
	// Message continues a sentence that starts with the field's name: "must be
	// a string".
	Message string `json:"message"`
}

// Error returns the detail and the field errors.
func (e *RequestError) Error() string {
	if len(e.Fields) == 0 {
		return e.Detail
	}
	return strings.TrimSuffix(e.Detail, ".") + ": " + join(e.Fields)
}

// join returns the errors in one line.
func join(fields []FieldError) string {
	texts := make([]string, len(fields))
	for i, f := range fields {
		texts[i] = f.Field + " " + f.Message
	}
	return strings.Join(texts, "; ")
}
