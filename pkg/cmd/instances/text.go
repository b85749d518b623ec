package main

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// maxNameWidth is how much of a name a table shows, in characters.
const maxNameWidth = 40

// printable returns text with an escape in place of every character that
// would move the cursor of a terminal or break a line.
func printable(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// textOrDash returns text for a table.
func textOrDash(text string) string {
	if text == "" {
		return "-"
	}
	return printable(text)
}

// shorten returns text with at most width characters, the last of them an
// ellipsis where something is left out.
func shorten(text string, width int) string {
	runes := []rune(text)
	if len(runes) <= width {
		return text
	}
	return string(runes[:width-1]) + "…"
}

// age returns how long d is, in its two largest units. [parseLifetime] reads
// it.
func age(d time.Duration) string {
	const day = 24 * time.Hour
	unit, smaller := time.Second, time.Second
	name, smallerName := "s", ""
	switch {
	case d >= day:
		unit, smaller, name, smallerName = day, time.Hour, "d", "h"
	case d >= time.Hour:
		unit, smaller, name, smallerName = time.Hour, time.Minute, "h", "m"
	case d >= time.Minute:
		unit, smaller, name, smallerName = time.Minute, time.Second, "m", "s"
	}
	text := fmt.Sprintf("%d%s", max(d, 0)/unit, name)
	if rest := d % unit / smaller; smallerName != "" && rest > 0 {
		text += fmt.Sprintf("%d%s", rest, smallerName)
	}
	return text
}
