package httpjson

import "strings"

// RequestError is a fault of the request. Its texts are written for the
// client and hold nothing internal.
type RequestError struct {
	// Status is the HTTP status that fits; a dialect may choose another.
	Status int
	// Detail is a sentence.
	Detail string
	// Fields has one entry for each bad field, or none.
	Fields []FieldError
}

// FieldError is what is wrong with one field of a body, or one parameter.
type FieldError struct {
	// Field names the field, list entries as in environments[3].
	Field string `json:"field"`
	// Message goes on a sentence that starts with the field's name: "must be
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
