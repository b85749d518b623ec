package repository

import (
	"strings"

	"instances/pkg/fold"
	"instances/pkg/instance"
)

// Matcher is the folded texts of a query, and its status as it is. Each that is
// not empty restricts what matches.
type Matcher struct {
	Code, Group, SubGroup, Name, Status string
}

// NewMatcher folds the texts of q.
func NewMatcher(q instance.Query) Matcher {
	return Matcher{
		Code:     fold.String(q.Code),
		Group:    fold.String(q.Group),
		SubGroup: fold.String(q.SubGroup),
		Name:     fold.String(q.Name),
		Status:   q.Status,
	}
}

// Match reports whether i has every text that the query gives.
func (m Matcher) Match(i instance.Instance) bool {
	return (m.Code == "" || fold.String(i.Code) == m.Code) &&
		(m.Group == "" || fold.String(i.Group) == m.Group) &&
		(m.SubGroup == "" || fold.String(i.SubGroup) == m.SubGroup) &&
		(m.Status == "" || i.Status == m.Status) &&
		(m.Name == "" || strings.Contains(fold.String(i.Name), m.Name))
}
