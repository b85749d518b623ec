package dynamo

import (
	"unicode"

	"golang.org/x/text/unicode/norm"

	"instances/pkg/fold"
	"instances/pkg/instance"
	"instances/pkg/repository"
)

// formerFold folds s as layouts 1 and 2 did: İ and ı were equal to no other
// letter, and what NFC composed of folded letters was folded again.
func formerFold(s string) string {
	if isASCII(s) {
		return fold.String(s)
	}
	for range 4 {
		var next []rune
		for _, r := range norm.NFC.String(s) {
			least := r
			for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
				least = min(least, other)
			}
			next = append(next, least)
		}
		if string(next) == s {
			break
		}
		s = string(next)
	}
	return s
}

func isASCII(s string) bool {
	for n := range len(s) {
		if s[n] > unicode.MaxASCII {
			return false
		}
	}
	return true
}

// formerMatcher is [repository.NewMatcher] with [formerFold].
func formerMatcher(q instance.Query) repository.Matcher {
	return repository.Matcher{
		Code: formerFold(q.Code), Group: formerFold(q.Group), SubGroup: formerFold(q.SubGroup), Name: formerFold(q.Name),
		Status: q.Status,
	}
}

// fold folds a text for an item that is written.
func (l layout) fold(s string) string {
	if l.former {
		return formerFold(s)
	}
	return fold.String(s)
}

// forms returns the forms in which items may have a folded text, the one first in
// which it is written.
func (l layout) forms(s string) []string {
	now := fold.String(s)
	if !l.mixed {
		return []string{now}
	}
	switch former := formerFold(s); {
	case former == now:
		return []string{now}
	case l.former:
		return []string{former, now}
	default:
		return []string{now, former}
	}
}
