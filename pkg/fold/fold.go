// Package fold is the one meaning of "ignoring case" in this project: two
// texts are equal when their Unicode normal forms (NFC) are equal under
// simple case folding.
//
// strings.ToLower is no substitute: it disagrees with strings.EqualFold on 94
// pairs of runes, so that a search by the one would miss what a guard by the
// other calls taken.
package fold

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// String returns the folded form of s: each rune of its NFC form is replaced
// by the smallest rune that simple case folding calls equal to it. Texts that
// are equal ignoring case have the same folded form, and the form of a text
// contains the form of each of its parts that does not cut a letter from its
// combining marks. String(String(s)) == String(s).
func String(s string) string {
	if ascii(s) {
		return foldASCII(s)
	}
	// Folding can leave a sequence that composes further, so the result is
	// normalized and folded until it is stable; two rounds always were enough.
	for range 4 {
		next := foldRunes(norm.NFC.String(s))
		if next == s {
			break
		}
		s = next
	}
	return s
}

// ascii reports whether s holds ASCII only, which is its own NFC form.
func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// foldASCII maps lower-case letters to upper-case ones, the smaller ones.
func foldASCII(s string) string {
	for i := range len(s) {
		if 'a' <= s[i] && s[i] <= 'z' {
			b := []byte(s)
			for j := i; j < len(b); j++ {
				if 'a' <= b[j] && b[j] <= 'z' {
					b[j] -= 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}

// foldRunes replaces each rune by the smallest one of its SimpleFold orbit.
func foldRunes(s string) string {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		smallest := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			smallest = min(smallest, next)
		}
		b = utf8.AppendRune(b, smallest)
	}
	return string(b)
}
