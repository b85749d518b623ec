package httpjson_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"instances/pkg/httpjson"
)

// What is not Unicode text is named, wherever it is in a member.
func TestUnicode(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded"
	for name, test := range map[string]struct{ body, contentType, fields string }{
		"escapes":                   {`{"a":"\"\\\/\b\u0000\uFFFC\ud83d\ude00\\ud800","b":[{"\uD83D\uDE00":1}]}`, "", ""},
		"text":                      {`{"a":"é\u00e9 😀"}`, "", ""},
		"bytes":                     {"{\"a\":\"x\xff\"}", "", "a"},
		"a surrogate in bytes":      {"{\"b\":1,\"a\":\"\xed\xa0\x80\"}", "", "a"},
		"what a gateway made of it": {`{"a":"` + "\uFFFD" + `"}`, "", "a"},
		"U+FFFD as an escape":       {`{"a":"\uFFFD\ufffd"}`, "", ""},
		"a high surrogate":          {`{"a":"\ud800"}`, "", "a"},
		"a low surrogate":           {`{"a":"\uDC00"}`, "", "a"},
		"a pair turned around":      {`{"a":"\udc00\ud800"}`, "", "a"},
		"one and a half pairs":      {`{"a":"\ud83d\ude00\ud83d"}`, "", "a"},
		"a surrogate and an escape": {`{"a":"\ud800\n"}`, "", "a"},
		"two of them":               {`{"a":"\ud800\ud800"}`, "", "a"},
		"deep in a value":           {`{"b":"x","a":[{"\udfff":[]}]}`, "", "a"},
		"several":                   {`{"b":"\ud800","a":"\ud800","c":1}`, "", "a b"},
		"a name":                    {`{"\ud800":1}`, "", "\uFFFD"},
		"a member that is replaced": {`{"a":"\ud800","a":1}`, "", ""},
		"a form":                    {"a=%C3%A9", form, ""},
		"bytes in a form":           {"a=%ff&b=1", form, "a"},
		"unescaped in a form":       {"a=\xff", form, "a"},
		"U+FFFD in a form":          {"a=%EF%BF%BD", form, "a"},
		"not the last in a form":    {"a=%FF&a=1", form, "a"},
		"a name in a form":          {"%FF=1", form, "\xff"},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(test.body))
		if test.contentType != "" {
			r.Header.Set("Content-Type", test.contentType)
		}
		_, _, err := httpjson.ReadForm(r)
		if test.fields == "" && (err == nil) == (name == "a member that is replaced") {
			t.Errorf("%s: got error %v", name, err)
		}
		if test.fields == "" {
			continue
		}
		e := requestError(t, err)
		var fields []string
		for _, f := range e.Fields {
			fields = append(fields, f.Field)
		}
		if got := strings.Join(fields, " "); e.Status != http.StatusBadRequest || got != test.fields {
			t.Errorf("%s: got %d %+v, want 400 for %q", name, e.Status, e.Fields, test.fields)
		}
	}
}

// A string is refused exactly where encoding/json puts U+FFFD into it that is not
// escaped.
func FuzzUnicode(f *testing.F) {
	for _, seed := range []string{`\ud83d\ude00`, `\ud83d\\ude00`, "\xed\xa0\x80", `\uD800\u0041\uDC00`, "\uFFFD"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var decoded struct{ A string }
		body := `{"a":"` + text + `"}`
		members := map[string]json.RawMessage{}
		if json.Unmarshal([]byte(body), &members) != nil || len(members) != 1 || json.Unmarshal(members["a"], &decoded.A) != nil {
			t.Skip()
		}
		_, _, err := httpjson.ReadObject(httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)))
		if (err != nil) != (strings.Count(decoded.A, "\uFFFD") > escapedReplacements(text)) {
			t.Errorf("%q, decoded as %q: got error %v", body, decoded.A, err)
		}
	})
}

// escapedReplacements counts the escapes of U+FFFD in what is between quotes in
// JSON.
func escapedReplacements(text string) int {
	text = strings.ReplaceAll(text, `\\`, "")
	return strings.Count(strings.ToLower(text), `\ufffd`)
}

func TestParseInteger(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"0": 0, "-0": 0, "7": 7, "-7": -7, "1.0": 1, "-1.000": -1, "1e3": 1000, "1E+3": 1000, "1.5e1": 15, "-2.50e+2": -250,
		"1000e-3": 1, "120e-1": 12, "0.0": 0, "-0.0e-5": 0, "0e1000": 0, "0.000e-1000": 0, "100e-2": 1,
		"9223372036854775807": 1<<63 - 1, "9223372036854775807.0": 1<<63 - 1, "9.223372036854775807e18": 1<<63 - 1,
		"-9223372036854775808.00": -1 << 63, "9007199254740993.0": 1<<53 + 1, "0.0012e4": 12,
	} {
		if got, ok := httpjson.ParseInteger(text); !ok || got != want {
			t.Errorf("%s: got %d, %v, want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{
		"", "-", ".", "e", "1.5", "1e-1", "15e-1", "0.1e0", "9223372036854775808", "9223372036854775808.0", "1e19", "1e1000", "1e1001",
		"0e1001", "1e99999999999999999999", "1e", "1e1.0", ".5e1", "1.-5", "1_0", "0x10", "NaN", "Infinity", " 1", "1 ", "--1", "1.0.0", "e3",
	} {
		if got, ok := httpjson.ParseInteger(text); ok {
			t.Errorf("%q: got %d", text, got)
		}
	}
}
