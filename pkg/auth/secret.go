package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"strings"
)

// SecretPrefix starts every secret, so that secret scanners can find one that
// leaked: inst_ and 52 characters of a-z2-7.
const SecretPrefix = "inst_"

// secretAlphabet is the base32 alphabet in lower case.
const secretAlphabet = "abcdefghijklmnopqrstuvwxyz234567"

// NewSecret returns a new random secret of 256 bits.
func NewSecret() string {
	var b [32]byte
	// Read never fails: see [rand.Read].
	_, _ = rand.Read(b[:])
	return SecretPrefix + base32.NewEncoding(secretAlphabet).WithPadding(base32.NoPadding).EncodeToString(b[:])
}

// Hash returns the hexadecimal SHA-256 of a secret.
func Hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// ValidName reports whether name can be the name of a key: 1 to 64 of
// A-Z, a-z, 0-9, '.', '_' and '-'.
func ValidName(name string) bool {
	return name != "" && len(name) <= 64 &&
		strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == ""
}
