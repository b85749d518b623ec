package instance

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
)

// cursor is what an opaque cursor holds.
type cursor struct {
	Query []byte `json:"q"`
	Position
}

// encodeCursor returns the cursor of a position in the answers to the query
// with the fingerprint.
func encodeCursor(query []byte, p Position) string {
	// Marshal cannot fail on these fields.
	b, _ := json.Marshal(cursor{query, p})
	return base64.RawURLEncoding.EncodeToString(b)
}

// decodeCursor returns the position of a cursor of the query with the
// fingerprint, or an error that is [ErrCursor].
func decodeCursor(query []byte, text string) (Position, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return Position{}, fmt.Errorf("%w: not base64url", ErrCursor)
	}
	var c cursor
	if err := json.Unmarshal(b, &c); err != nil || c.SortKey == "" {
		return Position{}, fmt.Errorf("%w: not a position", ErrCursor)
	}
	if string(c.Query) != string(query) {
		return Position{}, fmt.Errorf("%w: of another query", ErrCursor)
	}
	return c.Position, nil
}
