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
