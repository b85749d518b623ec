package fold_test

import (
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"instances/pkg/fold"
)

func TestString(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, a, b string
		equal      bool
	}{
		{"empty", "", "", true},
		{"the same", "a-1", "a-1", true},
		{"ASCII", "hELLO, World_1", "Hello, wORLD_1", true},
		{"ASCII neighbours of letters", "@[`{", "`{@[", false},
		{"umlauts", "größe", "GRÖßE", true},
		{"capital sharp s", "straße", "STRAẞE", true},
		{"sharp s is not ss", "straße", "strasse", false},
		{"Kelvin sign", "\u212A", "k", true},
		{"Ångström sign", "\u212B", "å", true},
		{"long s", "\u017F", "S", true},
		{"sigmas", "σς", "ΣΣ", true},
		{"dotted capital I", "\u0130", "i", false},
		{"dotless small i", "\u0131", "I", false},
		{"composed and decomposed", "caf\u00e9", "CAFE\u0301", true},
		{"order of marks", "a\u0323\u0301", "A\u0301\u0323", true},
		{"Hangul", "\uac01", "\u1100\u1161\u11a8", true},
		{"accents count", "cafe", "café", false},
		{"Cherokee", "\u13a0", "\uab70", true},
		{"beyond the basic plane", "\U00010400", "\U00010428", true},
		{"white space counts", "a b", "a  b", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if a, b := fold.String(test.a), fold.String(test.b); (a == b) != test.equal {
				t.Errorf("%q folds to %q, %q to %q", test.a, a, test.b, b)
			}
		})
	}
}

// Every rune folds as strings.EqualFold compares, after normalization: runes
// of one orbit have one form, and no other rune has it.
func TestStringAgreesWithEqualFold(t *testing.T) {
	t.Parallel()
	byForm := map[string]rune{}
	// No rune beyond these has a case or another normal form.
	for r := rune(0); r < 0x30000; r++ {
		if 0xD800 <= r && r < 0xE000 {
			// Surrogates are no runes of a text.
			continue
		}
		text := string(r)
		form := fold.String(text)
		if again := fold.String(form); again != form {
			t.Errorf("%U folds to %+q, and that to %+q", r, form, again)
		}
		for other := unicode.SimpleFold(r); other != r; other = unicode.SimpleFold(other) {
			if got := fold.String(string(other)); got != form {
				t.Errorf("%U folds to %+q, its equal %U to %+q", r, form, other, got)
			}
		}
		first, seen := byForm[form]
		if !seen {
			byForm[form] = r
			continue
		}
		if a, b := norm.NFC.String(string(first)), norm.NFC.String(text); !strings.EqualFold(a, b) {
			t.Errorf("%U and %U have one form and differ", first, r)
		}
	}
}

// texts draws what is likely to go wrong: few letters with many cases, marks
// that combine, and anything.
func texts() *rapid.Generator[string] {
	awkward := []rune("aAkK\u212AsS\u017FßẞσςΣiI\u0130\u0131åÅ\u212B\u0301\u0323\u030A\u0345\u03B9\u0399\u1FBEᾳᾼ\u1100\u1161\u11a8")
	return rapid.OneOf(rapid.StringOf(rapid.RuneFrom(awkward)), rapid.String())
}

func TestStringIsIdempotent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := texts().Draw(t, "text")
		once := fold.String(s)
		if twice := fold.String(once); twice != once {
			t.Fatalf("%+q folds to %+q, and that to %+q", s, once, twice)
		}
	})
}

func TestStringIgnoresNormalForm(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := texts().Draw(t, "text")
		want := fold.String(s)
		for _, form := range []norm.Form{norm.NFC, norm.NFD} {
			if got := fold.String(form.String(s)); got != want {
				t.Fatalf("%+q folds to %+q, its normal form %d to %+q", s, want, form, got)
			}
		}
	})
}

func TestStringIgnoresCase(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := texts().Draw(t, "text")
		// Another spelling: some runes replaced by others of their orbits.
		var other strings.Builder
		for _, r := range norm.NFC.String(s) {
			for range rapid.IntRange(0, 3).Draw(t, "turns") {
				r = unicode.SimpleFold(r)
			}
			other.WriteRune(r)
		}
		if got, want := fold.String(other.String()), fold.String(s); got != want {
			t.Fatalf("%+q folds to %+q, %+q to %+q", other.String(), got, s, want)
		}
	})
}

// What contains a text, contains it ignoring case.
func TestStringKeepsParts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		// Letters at both ends that no mark can change.
		part := "|" + texts().Draw(t, "part") + "|"
		whole := texts().Draw(t, "before") + part + texts().Filter(startsAfresh).Draw(t, "after")
		if got, want := fold.String(whole), fold.String(part); !strings.Contains(got, want) {
			t.Fatalf("%+q folds to %+q, which lacks %+q", whole, got, want)
		}
	})
}

// startsAfresh reports whether s changes nothing that stands before it.
func startsAfresh(s string) bool {
	return s == "" || norm.NFC.PropertiesString(s).BoundaryBefore()
}

// The two ways, for ASCII and for everything, are one function.
func TestStringOfASCII(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.RuneFrom(nil, unicode.ASCII_Hex_Digit, &unicode.RangeTable{
			R16: []unicode.Range16{{Lo: 0, Hi: 0x7f, Stride: 1}}, LatinOffset: 1,
		})).Draw(t, "text")
		// A letter that neither combines nor folds takes the other way.
		const letter = "\u4e00"
		if got, want := fold.String(s)+letter, fold.String(s+letter); got != want {
			t.Fatalf("%q folds to %q alone, to %q with a letter", s, got, want)
		}
	})
}

// Bytes that are no text fold to something, and to the same every time.
func FuzzString(f *testing.F) {
	for _, s := range []string{"", "Abc", "\xff", "e\xcc\x81", "\xe2\x84", "a\xcc", "\x00\u0345\u03b9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once := fold.String(s)
		if twice := fold.String(once); twice != once {
			t.Fatalf("%+q folds to %+q, and that to %+q", s, once, twice)
		}
	})
}

func BenchmarkString(b *testing.B) {
	for name, s := range map[string]string{"ASCII": "Instance 000123 of group A", "Unicode": "Größe der Straße 000123"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				fold.String(s)
			}
		})
	}
}
