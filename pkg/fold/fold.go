// Package fold is the one meaning of "ignoring case" in this project: two
// texts are equal when Java's String.equalsIgnoreCase calls their Unicode
// normal forms (NFC) equal, since a documented server compares so.
//
// That is simple case folding with one class more: i, I, and the Turkish
// letters İ (with a dot) and ı (without one) are equal. Java and Go each add
// the letters of new versions of Unicode to their classes when they learn them.
//
// What is folded here is stored, so any change of a folded form, by a new
// version of Go too, needs a new layout of what is stored.
package fold

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// String returns the folded form of s: each rune of its NFC form is replaced
// by the smallest rune that is equal to it. Texts are equal ignoring case if
// and only if they have the same folded form.
//
// A text contains a part ignoring case if its folded form contains that of the
// part. That holds for each part that begins and ends between the letters of
// the text. It does not for one that separates a letter from its combining
// marks: "e" is not a part of "é", however that is encoded.
//
// A folded form must not be folded again: that of "ı" and a dot above (U+0307)
// is "I" and the dot, and NFC makes İ of that.
func String(s string) string {
	if ascii(s) {
		return foldASCII(s)
	}
	s = norm.NFC.String(s)
	b := make([]byte, 0, len(s))
	for _, r := range s {
		b = utf8.AppendRune(b, smallest(r))
	}
	return string(b)
}

// smallest returns the smallest rune that is equal to r.
func smallest(r rune) rune {
	if r == 'İ' || r == 'ı' {
		return 'I'
	}
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	return least
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
