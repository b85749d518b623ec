package transfer

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// cutAttributes returns the line of an instance without its attributes, and
// these. It is for attributes that take all 10,000 levels that encoding/json
// reads at once, where the line has one more. It returns false for any other
// text.
func cutAttributes(line []byte) (rest []byte, attributes json.RawMessage, ok bool) {
	d := json.NewDecoder(bytes.NewReader(line))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return nil, nil, false
	}
	members := map[string]json.RawMessage{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, nil, false
		}
		// Levels are counted from each value on.
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, nil, false
		}
		members[name.(string)] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, nil, false
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, nil, false
	}
	attributes = members["attributes"]
	delete(members, "attributes")
	rest, err := json.Marshal(members)
	return rest, attributes, err == nil
}
