package text_test

import (
	"testing"

	"instances/pkg/cmd/instances/internal/text"
)

// Nothing that a terminal would act upon is printed.
func TestPrintable(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain é→\u20ac": "plain é→\u20ac",
		"a\tb\nc":        `a\u0009b\u000ac`,
		"\x1b[2J\x7f":    `\u001b[2J\u007f`,
		"\u009b\u2028":   `\u009b\u2028`,
		"\u202eevil":     `\u202eevil`,
	} {
		if got := text.Printable(in); got != want {
			t.Errorf("%q is printed as %q, want %q", in, got, want)
		}
	}
}
