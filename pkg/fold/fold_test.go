package fold_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

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
		{"dotted capital I", "İstanbul", "istanbul", true},
		{"dotless small i", "ılık", "ilik", true},
		{"dotted and dotless", "ILIK", "ilık", true},
		{"dotted and dotless alone", "\u0130", "\u0131", true},
		{"decomposed dotted capital I", "I\u0307", "i", true},
		{"dot above small i is a mark", "i\u0307", "i", false},
		{"dot above i with and without a dot", "i\u0307", "\u0131\u0307", true},
		{"accent above i", "í", "\u0131\u0301", false},
		{"composed and decomposed", "caf\u00e9", "CAFE\u0301", true},
		{"order of marks", "a\u0323\u0301", "A\u0301\u0323", true},
		{"Hangul", "\uac01", "\u1100\u1161\u11a8", true},
		{"accents count", "cafe", "café", false},
		{"Greek iota is a letter", "αι", "\u1fb3", false},
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

// maxRune is beyond all runes with a case or another normal form.
const maxRune = 0x30000

// java returns what Java's equalsIgnoreCase compares instead of a rune: two
// runes are equal to it if and only if this is the same for both.
func java(r rune) rune { return unicode.ToLower(unicode.ToUpper(r)) }

// newCase has the letters whose case is so new that not all of Java 17 (Unicode
// 13), Go 1.26 (Unicode 15) and Java 25 (Unicode 16) know it.
func newCase() *unicode.RangeTable {
	return &unicode.RangeTable{
		R16: []unicode.Range16{
			{Lo: 0x019B, Hi: 0x019B, Stride: 1},
			{Lo: 0x0264, Hi: 0x0264, Stride: 1},
			{Lo: 0x1C89, Hi: 0x1C8A, Stride: 1},
			{Lo: 0x2C2F, Hi: 0x2C2F, Stride: 1},
			{Lo: 0x2C5F, Hi: 0x2C5F, Stride: 1},
			{Lo: 0xA7C0, Hi: 0xA7C1, Stride: 1},
			{Lo: 0xA7CB, Hi: 0xA7DC, Stride: 1},
		},
		R32: []unicode.Range32{{Lo: 0x10570, Hi: 0x105BC, Stride: 1}, {Lo: 0x10D50, Hi: 0x10D85, Stride: 1}},
	}
}

// What the other tests take for Java's comparison is what Java 17.0.15 and Java
// 25.0.3 say. Each printed, for every rune r outside newCase that is not its own
// toLowerCase(toUpperCase(r)), a line of both in hexadecimal; this is the hash of
// those lines.
func TestJava(t *testing.T) {
	t.Parallel()
	sum := sha256.New()
	for r := range unicode.MaxRune {
		if utf8.ValidRune(r) && !unicode.Is(newCase(), r) && java(r) != r {
			_, _ = fmt.Fprintf(sum, "%X %X\n", r, java(r))
		}
	}
	if got, want := hex.EncodeToString(sum.Sum(nil)), "7d0a747766e478e50b49dc4e993d733ef21e3a502ef0ea50a924aae245637e52"; got != want {
		t.Errorf("the hash is %s, want %s", got, want)
	}
}

// Two runes have one form if Java calls them equal, and only then. That is what
// simple case folding says of all but four.
func TestStringHasClassesOfJava(t *testing.T) {
	t.Parallel()
	byForm, byJava := map[string]rune{}, map[rune]rune{}
	for r := range rune(maxRune) {
		text := string(r)
		if !utf8.ValidRune(r) || norm.NFC.String(text) != text {
			continue
		}
		form := fold.String(text)
		if first, seen := byForm[form]; !seen {
			byForm[form] = r
		} else if java(first) != java(r) {
			t.Errorf("%U and %U have one form, and are not equal in Java", first, r)
		}
		first, seen := byJava[java(r)]
		if !seen {
			byJava[java(r)] = r
			continue
		}
		if fold.String(string(first)) != form {
			t.Errorf("%U and %U are equal in Java, and have two forms", first, r)
		}
		if simple := strings.EqualFold(string(first), text); simple == (r == 'İ' || r == 'ı') {
			t.Errorf("%U and %U are equal in Java; by simple case folding: %v", first, r, simple)
		}
	}
}

// What is stored was folded so. Where this fails, by a new version of Go most
// likely, the layouts of both repositories need a new version.
func TestStringIsWhatIsStored(t *testing.T) {
	t.Parallel()
	sum := sha256.New()
	for r := range rune(maxRune) {
		if utf8.ValidRune(r) {
			_, _ = io.WriteString(sum, fold.String(string(r)))
		}
	}
	if got, want := hex.EncodeToString(sum.Sum(nil)), "e7530419fbb60dcb9475593070aab40f72adf3aafa95a4a4ac5338830a8d568e"; got != want {
		t.Errorf("with Unicode %s and NFC of %s the hash of all folded runes is %s, want %s", unicode.Version, norm.Version, got, want)
	}
}

// texts draws what is likely to go wrong: few letters with many cases, marks
// that combine, and anything.
func texts() *rapid.Generator[string] {
	awkward := []rune("aAkK\u212AsS\u017FßẞσςΣiI\u0130\u0131íÍ\u0307åÅ\u212B\u0301\u0323\u030A\u0345α\u03B9\u0399\u1FBEᾳᾼ\u1100\u1161\u11a8")
	return rapid.OneOf(rapid.StringOf(rapid.RuneFrom(awkward)), rapid.String())
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

// Texts have one form if Java calls their normal forms equal, and only then.
func TestStringIsJavasComparison(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := texts().Draw(t, "text"), texts().Draw(t, "other")
		if rapid.Bool().Draw(t, "respelled") {
			var spelling []rune
			for _, r := range norm.NFC.String(a) {
				for range rapid.IntRange(0, 3).Draw(t, "turns") {
					r = unicode.SimpleFold(r)
				}
				if java(r) == 'i' {
					r = rapid.SampledFrom([]rune("Iiİı")).Draw(t, "i")
				}
				spelling = append(spelling, r)
			}
			b = string(spelling)
		}
		equal := strings.Map(java, norm.NFC.String(a)) == strings.Map(java, norm.NFC.String(b))
		if got, want := fold.String(a), fold.String(b); (got == want) != equal {
			t.Fatalf("%+q folds to %+q, %+q to %+q, and Java calls them equal: %v", a, got, b, want, equal)
		}
	})
}

// What contains a text, contains it ignoring case.
func TestStringKeepsParts(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		part := texts().Filter(startsAfresh).Draw(t, "part")
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
		s := rapid.StringOf(rapid.RuneFrom(nil, &unicode.RangeTable{
			R16: []unicode.Range16{{Lo: 0, Hi: 0x7f, Stride: 1}}, LatinOffset: 1,
		})).Draw(t, "text")
		// A letter that neither combines nor folds takes the other way.
		const letter = "\u4e00"
		if got, want := fold.String(s)+letter, fold.String(s+letter); got != want {
			t.Fatalf("%q folds to %q alone, to %q with a letter", s, got, want)
		}
	})
}

// Bytes that are no text fold to a text, and it does not matter what stands
// before them.
func FuzzString(f *testing.F) {
	for _, s := range []string{"", "Abc", "\xff", "e\xcc\x81", "\xe2\x84", "a\xcc", "\x00\u0345\u03b9", "\u0131\u0307"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		folded := fold.String(s)
		if !utf8.ValidString(folded) {
			t.Fatalf("%+q folds to %+q", s, folded)
		}
		if got := fold.String("i|" + s); startsAfresh(s) && got != "I|"+folded {
			t.Fatalf("%+q folds to %+q, and to %+q after something else", s, folded, got)
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
