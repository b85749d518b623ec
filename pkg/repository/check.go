package repository

import (
	"fmt"

	"instances/pkg/instance"
)

// CheckQuery returns an error for a query that a repository cannot answer: a
// walk over all collections of a kind whose collections are not known.
func CheckQuery(q instance.Query) error {
	walks := q.Code == "" && (q.Group == "" || q.Name != "")
	if walks && q.Collections == nil && q.Kind.Order != instance.OrderNumber {
		return fmt.Errorf("query of %s names no collections", q.Kind)
	}
	return nil
}

// CheckID returns an error for an id that no instance of the kind can have.
func CheckID(k instance.Key) error {
	_, ok := k.SortKey()
	if ok || k.Kind.Order == instance.OrderTime && k.ID != "" {
		return nil
	}
	return fmt.Errorf("%q is not an id of a %s", k.ID, k.Kind)
}
