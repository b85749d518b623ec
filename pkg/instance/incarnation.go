package instance

import (
	"crypto/rand"
	"encoding/hex"
)

// NewIncarnation returns 16 random hexadecimal digits for
// [Instance.Incarnation].
func NewIncarnation() string {
	var b [8]byte
	// Read never fails: see [rand.Read].
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
