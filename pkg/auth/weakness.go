package auth

import (
	"fmt"
	"strings"
)

// weakness says what is wrong with a secret that somebody chose for a key, or
// nothing. It finds what is tried first by those who guess; it cannot tell how
// random a secret is.
func weakness(secret, name, owner string) string {
	for i := range len(secret) {
		if secret[i] < ' ' || secret[i] > '~' {
			return "has a character that is not printable ASCII"
		}
	}
	switch n := len(secret); {
	case strings.TrimSpace(secret) != secret:
		return "begins or ends with a space"
	case n < minPassword:
		return fmt.Sprintf("has %d characters; it must have at least %d", n, minPassword)
	case n > maxSecret:
		return fmt.Sprintf("has %d characters; it may have at most %d", n, maxSecret)
	}
	lower := strings.ToLower(secret)
	switch {
	case distinct(lower) < 5:
		return "is easy to guess: it has only a few different characters"
	case repeats(lower):
		return "is easy to guess: it repeats itself"
	case 2*max(ordered(lower), ordered(every2nd(lower))+ordered(every2nd(lower[1:]))) > len(lower):
		return "is easy to guess: most of it is in the order of the alphabet or of a keyboard"
	}
	for _, own := range []string{name, owner} {
		if rest := without(lower, strings.ToLower(own)); len(rest) < 8 && rest != lower {
			return "is easy to guess: it is little more than the name or the owner of the key"
		}
	}
	if plain := letters(lower); commonest(plain) {
		return "is easy to guess: it is made of the commonest passwords"
	}
	return ""
}

// distinct returns how many different characters s has.
func distinct(s string) int {
	seen := map[rune]bool{}
	for _, c := range s {
		seen[c] = true
	}
	return len(seen)
}

// repeats reports whether s is a shorter text again and again, or at least half of
// it again.
func repeats(s string) bool {
	for period := 1; 3*period <= 2*len(s); period++ {
		if s[period:] == s[:len(s)-period] {
			return true
		}
	}
	return false
}

// ordered returns how many characters of s follow the one before in an order that
// everybody knows, or in its reverse, or repeat it.
func ordered(s string) int {
	const orders = "abcdefghijklmnopqrstuvwxyz 01234567890 qwertyuiop asdfghjkl zxcvbnm qwertzuiop yxcvbnm azertyuiop qsdfghjklm wxcvbn " +
		"1qaz 2wsx 3edc 4rfv 5tgb 6yhn 7ujm !@#$%^&*()"
	n := 0
	for i := 1; i < len(s); i++ {
		if s[i] == s[i-1] || s[i] != ' ' && s[i-1] != ' ' &&
			(strings.Contains(orders, s[i-1:i+1]) || strings.Contains(orders, string([]byte{s[i], s[i-1]}))) {
			n++
		}
	}
	return n
}

// every2nd returns every second character of s, from the first.
func every2nd(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i += 2 {
		b.WriteByte(s[i])
	}
	return b.String()
}

// without returns s without each place of part, which counts only from three
// characters on.
func without(s, part string) string {
	if len(part) < 3 {
		return s
	}
	return strings.ReplaceAll(s, part, "")
}

// letters returns the letters of s, with those in place of which others are often
// written, and without the digits and signs at its ends.
func letters(s string) string {
	s = strings.TrimFunc(s, func(c rune) bool { return c < 'a' || c > 'z' })
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' {
			return c
		}
		return -1
	}, strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s", "!", "i").Replace(s))
}

// commonest reports whether s is nothing but words that the commonest passwords are
// made of.
func commonest(s string) bool {
	words := []string{
		"password", "passwort", "pass", "word", "admin", "administrator", "root", "user", "login", "welcome", "letmein", "changeme", "change",
		"default", "secret", "master", "test", "guest", "service", "system", "server", "manager", "iloveyou", "monkey", "dragon", "football", "baseball",
		"sunshine", "princess", "superman", "batman", "trustno", "summer", "winter", "spring", "autumn", "qwerty", "qwertz", "azerty", "asdf", "abc",
		"flexdeploy", "weblogic", "oracle", "instances", "instance", "example", "company", "please", "this", "is", "my", "me", "the", "a", "i", "one", "new", "temp",
	}
	// ends has the places where a sequence of words ends.
	ends := make([]bool, len(s)+1)
	ends[0] = true
	for at := range s {
		for _, w := range words {
			if ends[at] && strings.HasPrefix(s[at:], w) {
				ends[at+len(w)] = true
			}
		}
	}
	return ends[len(s)]
}
