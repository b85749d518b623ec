// Package text writes what people read on a terminal.
package text

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
)

// Table aligns columns. Flush writes it and returns the first error.
type Table struct{ *tabwriter.Writer }

// NewTable returns a table that is written to w.
func NewTable(w io.Writer, headings ...any) Table {
	t := Table{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	t.Row(headings...)
	return t
}

// Row adds a row; [Cell] has the form of its values.
func (t Table) Row(cells ...any) {
	for i, c := range cells {
		if i > 0 {
			_, _ = io.WriteString(t, "\t")
		}
		_, _ = io.WriteString(t, Cell(c))
	}
	_, _ = io.WriteString(t, "\n")
}

// Cell returns a value for a table: a time in UTC, and a dash for no time or
// an empty text. A text gets an escape in place of every character that would
// move the cursor of a terminal or break a line.
func Cell(value any) string {
	switch v := value.(type) {
	case *time.Time:
		if v != nil {
			return Cell(*v)
		}
	case time.Time:
		if !v.IsZero() {
			return v.UTC().Format(time.RFC3339)
		}
	case string:
		if v != "" {
			return Printable(v)
		}
	default:
		return fmt.Sprint(v)
	}
	return "-"
}

// Printable returns text with an escape in place of every character that
// would move the cursor of a terminal or break a line.
func Printable(text string) string {
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

// MaxNameWidth is how much of a name a table shows, in characters.
const MaxNameWidth = 40

// Shorten returns text with at most width characters, the last of them an
// ellipsis where something is left out.
func Shorten(text string, width int) string {
	runes := []rune(text)
	if len(runes) <= width {
		return text
	}
	return string(runes[:width-1]) + "…"
}

// Age returns how long d is, in its two largest units. The flags
// for times read it.
func Age(d time.Duration) string {
	d = max(d, 0)
	units := []struct {
		length time.Duration
		name   string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}}
	for i, unit := range units[:3] {
		if d >= unit.length {
			text := fmt.Sprintf("%d%s", d/unit.length, unit.name)
			if smaller := units[i+1]; d%unit.length >= smaller.length {
				text += fmt.Sprintf("%d%s", d%unit.length/smaller.length, smaller.name)
			}
			return text
		}
	}
	return fmt.Sprintf("%ds", d/time.Second)
}
