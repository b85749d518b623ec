package httpjson

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// notUnicode is what is wrong with a text that is not Unicode. API Gateway puts
// U+FFFD in place of bytes that are not UTF-8, so that only its escape in JSON is
// certain to be what a client means.
const notUnicode = "must be Unicode text: no bytes outside UTF-8, no lone surrogates, " +
	`and no U+FFFD, which stands for them, except as \ufffd in JSON`

// checkUnicode returns a [RequestError] of status 400 that names the members of
// the valid JSON object body that are not Unicode text.
func checkUnicode(body []byte, members map[string]json.RawMessage) error {
	if isUnicode(body) {
		return nil
	}
	f := NewFields(nil)
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if hasReplacement(name) || !isUnicode(members[name]) {
			f.Reject(name, notUnicode)
		}
	}
	if err := f.Err(); err != nil {
		return err
	}
	// It is in a member that a later one of the same name replaces.
	return badRequest("The body " + notUnicode + ".")
}

// isUnicode reports whether the strings in valid JSON are Unicode text.
func isUnicode(text []byte) bool {
	if bytes.ContainsRune(text, utf8.RuneError) {
		return false
	}
	for {
		// Escapes are only in strings.
		i := bytes.IndexByte(text, '\\')
		if i < 0 {
			return true
		}
		r, size := escaped(text[i:])
		if utf16.IsSurrogate(r) {
			low, more := escaped(text[i+size:])
			if utf16.DecodeRune(r, low) == utf8.RuneError {
				return false
			}
			size += more
		}
		text = text[i+size:]
	}
}

// escaped returns the UTF-16 code unit and the size of the escape at the start of
// valid JSON text. An escape without a number has the code unit 0, and where there
// is no escape at all, the size is 0 too.
func escaped(text []byte) (unit rune, size int) {
	switch {
	case len(text) < 2 || text[0] != '\\':
		return 0, 0
	case text[1] != 'u':
		return 0, 2
	}
	// Four digits always follow.
	n, _ := strconv.ParseUint(string(text[2:6]), 16, 16)
	return rune(n), 6
}

// hasReplacement reports whether s has U+FFFD, or a byte that is not UTF-8.
func hasReplacement(s string) bool { return strings.ContainsRune(s, utf8.RuneError) }
