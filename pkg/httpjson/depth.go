package httpjson

import (
	"encoding/json"
	"fmt"
)

// MaxDepth is how many levels of lists and objects the value of a field may have.
// It is far below the 10,000 that encoding/json reads, so that a value can be
// wrapped in more levels and still be read.
const MaxDepth = 100

// checkDepth returns a [RequestError] of status 400 that names the first
// member of the object in body that is over [MaxDepth]. The body need not be
// valid JSON.
func checkDepth(body []byte) error {
	depth := 0
	var name []byte // of the current member, in quotes
	for i := 0; i < len(body); i++ {
		switch body[i] {
		case '"':
			end := stringEnd(body, i)
			if depth == 1 {
				// The last string before a list or an object is its name.
				name = body[i:end]
			}
			i = end - 1
		case '{', '[':
			// The body itself is a level.
			if depth++; depth > 1+MaxDepth {
				return tooDeep(name)
			}
		case '}', ']':
			depth--
		}
	}
	return nil
}

// stringEnd returns the index after the string that starts at i.
func stringEnd(body []byte, i int) int {
	for i++; i < len(body); i++ {
		switch body[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(body)
}

// tooDeep returns the error about the named member, or about the body if there is
// no name.
func tooDeep(quoted []byte) error {
	message := fmt.Sprintf("must not be nested deeper than %d levels", MaxDepth)
	var name string
	if json.Unmarshal(quoted, &name) != nil {
		return badRequest("The body " + message + ".")
	}
	return BadField(name, message)
}
