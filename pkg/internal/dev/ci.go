package dev

import (
	"os"
	"strconv"
)

// CI reports whether the environment says that this is a check of a change, where
// nothing may be left out: what a test needs is there, and it tries every case.
func CI() bool {
	ci, _ := strconv.ParseBool(os.Getenv("CI"))
	return ci
}
