package instance

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
)

// cursor is what an opaque cursor holds.
type cursor struct {
	// Query is the fingerprint of the query.
	Query []byte `json:"q"`
	Position
	// Sum is a hash of the rest. It shows a cursor that was changed or made up,
	// but keeps no secret: what a position may be is checked as well.
	Sum []byte `json:"h,omitempty"`
}

// encodeCursor returns the cursor of a position in the answers to the query
// with the fingerprint.
func encodeCursor(query []byte, p Position) string {
	c := cursor{Query: query, Position: p}
	// Marshal cannot fail on these fields.
	b, _ := json.Marshal(c)
	sum := sha256.Sum256(b)
	c.Sum = sum[:9]
	b, _ = json.Marshal(c)
	return base64.RawURLEncoding.EncodeToString(b)
}

// decodeCursor returns the position of a cursor of the query with the
// fingerprint. The error is [ErrForeignCursor] for a cursor of another query, and
// [ErrCursor] for a text that encodeCursor never returned.
func decodeCursor(query []byte, text string) (Position, error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return Position{}, fmt.Errorf("%w: not base64url", ErrCursor)
	}
	var c cursor
	if err := json.Unmarshal(b, &c); err != nil || c.SortKey == "" {
		return Position{}, fmt.Errorf("%w: not a position", ErrCursor)
	}
	if encodeCursor(c.Query, c.Position) != text {
		return Position{}, fmt.Errorf("%w: changed", ErrCursor)
	}
	if string(c.Query) != string(query) {
		return Position{}, ErrForeignCursor
	}
	return c.Position, nil
}
