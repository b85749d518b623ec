package instance

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Query asks for the instances of one kind. Every text that is given must
// match; an empty one matches all. All but Status are compared ignoring case
// (package fold). Several instances have a code only where it was not equal in an
// earlier version.
//
// Answers come in ascending order of collection and, within a collection, in
// the order of the kind.
type Query struct {
	Kind Kind
	// Collections are read in this order. Nil means every collection that is
	// in use, in ascending order; only kinds with [OrderNumber] can be listed
	// and searched by name, subgroup or status so.
	Collections []string
	// Code, Group and SubGroup match an equal text.
	Code, Group, SubGroup string
	// Name matches a name that contains it.
	Name string
	// Status matches an equal status, byte for byte.
	Status string
	// After, where its SortKey is not empty, leaves out everything up to and
	// including this position.
	After Position
	// Limit is how many instances the caller will take at most; 0 means all.
	// No more are returned, and a repository reads little more than it needs
	// for them.
	Limit int
}

// Position is a place in the answers to a query.
type Position struct {
	Collection string `json:"c"`
	// SortKey is the [Instance.SortKey] of an instance.
	SortKey string `json:"s"`
}

// Cursor returns an opaque, URL-safe text with which [Query.Resume] continues
// after last. It is bound to what q asks for, apart from Limit and After.
func (q Query) Cursor(last Instance) string {
	return encodeCursor(q.fingerprint(), Position{last.Collection, last.SortKey()})
}

// Resume returns q with After set from a cursor. The error is [ErrForeignCursor]
// for a cursor of another query, and [ErrCursor] for any other text that is not a
// cursor of q.
func (q Query) Resume(text string) (Query, error) {
	p, err := decodeCursor(q.fingerprint(), text)
	if err != nil {
		return Query{}, err
	}
	if !q.covers(p) {
		return Query{}, fmt.Errorf("%w: outside the query", ErrCursor)
	}
	q.After = p
	return q, nil
}

// covers reports whether an answer to q can be at the position.
func (q Query) covers(p Position) bool {
	if q.Collections != nil && !slices.Contains(q.Collections, p.Collection) {
		return false
	}
	switch q.Kind.Order {
	case OrderNumber:
		n, err := strconv.ParseInt(p.SortKey, 10, 64)
		return err == nil && n >= 1 && numberSortKey(n) == p.SortKey && Block(n) == p.Collection
	case OrderTime:
		at, id, _ := strings.Cut(p.SortKey, "#")
		ms, err := strconv.ParseInt(at, 10, 64)
		return err == nil && ms >= 0 && ms <= maxSortTime && id != "" && timeSortKey(maxSortTime-ms, id) == p.SortKey
	default:
		return true
	}
}

// fingerprint identifies what q asks for.
func (q Query) fingerprint() []byte {
	b, _ := json.Marshal([]any{q.Kind.Name, q.Collections, q.Code, q.Group, q.SubGroup, q.Name, q.Status})
	sum := sha256.Sum256(b)
	return sum[:9]
}
