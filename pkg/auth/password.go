package auth

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/scrypt"
)

// How long secrets are, in characters. One that is shorter than minToken is a
// password: somebody may have made it up, so it takes a slow hash, and therefore
// the name of its key to be found by.
const (
	minPassword = 12
	minToken    = 24
	maxSecret   = 255
)

// isPassword reports whether a secret is as long as passwords are.
func isPassword(secret string) bool { return len(secret) >= minPassword && len(secret) < minToken }

// The parameters of scrypt. Its cost is 2 to the power of scryptLog for new
// passwords: 16 MB of memory and, on one core, some 50 ms. A function of 256 MB has
// a seventh of a core.
const (
	scryptLog    = 14
	maxScryptLog = 15
	scryptR      = 8
	saltBytes    = 16
	keyBytes     = 32
)

// passwordHash is the slow hash of a password. Its text is stored in place of the
// hash of a secret.
type passwordHash struct {
	log       int
	salt, key []byte
}

// The text of a passwordHash is passwordPrefix, log, passwordRest, and salt and
// key in Base64 with a dollar sign between them.
const (
	passwordPrefix = "$scrypt$ln="
	passwordRest   = ",r=8,p=1$"
)

// hashPassword returns the hash of a password with a new salt.
func hashPassword(password string) string {
	h := passwordHash{log: scryptLog, salt: make([]byte, saltBytes)}
	// Read never fails: see [rand.Read].
	_, _ = rand.Read(h.salt)
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("%s%d%s%s$%s", passwordPrefix, h.log, passwordRest, encode(h.salt), encode(h.derive(password)))
}

// parsePasswordHash returns the hash that a text is, or false if it is none.
func parsePasswordHash(text string) (h passwordHash, ok bool) {
	text, ok = strings.CutPrefix(text, passwordPrefix)
	log, rest, found := strings.Cut(text, passwordRest)
	salt, key, _ := strings.Cut(rest, "$")
	var errs [3]error
	h.log, errs[0] = strconv.Atoi(log)
	h.salt, errs[1] = base64.RawStdEncoding.DecodeString(salt)
	h.key, errs[2] = base64.RawStdEncoding.DecodeString(key)
	ok = ok && found && errs == [3]error{} && h.log >= 1 && h.log <= maxScryptLog && len(h.key) == keyBytes
	return h, ok
}

// derive returns the scrypt key of a password.
func (h passwordHash) derive(password string) []byte {
	// It fails only on other parameters.
	key, _ := scrypt.Key([]byte(password), h.salt, 1<<h.log, scryptR, 1, keyBytes)
	return key
}

// matches reports whether text is the hash of the password. It takes no less time
// where it is none of any password.
func matches(password, text string) bool {
	h, ok := parsePasswordHash(text)
	if !ok {
		h = passwordHash{log: scryptLog, salt: make([]byte, saltBytes), key: make([]byte, keyBytes)}
	}
	return subtle.ConstantTimeCompare(h.derive(password), h.key) == 1 && ok
}
