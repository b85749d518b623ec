package samlocal_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// answer is the answer to a request, as its client sees it.
type answer struct {
	status int
	header http.Header
	body   string
}

// differs says in which part two answers to the request differ, or nothing.
// What no two answers have in common is left out; see [masker].
func (a answer) differs(b answer, request string) string {
	m := masker{request}
	switch {
	case a.status != b.status:
		return fmt.Sprintf("status %d and %d", a.status, b.status)
	case m.mask(a.body) != m.mask(b.body):
		return fmt.Sprintf("body\n%s\nand\n%s", a.body, b.body)
	}
	ours, theirs := a.functionHeader(), b.functionHeader()
	if !slices.Equal(slices.Sorted(maps.Keys(ours)), slices.Sorted(maps.Keys(theirs))) {
		return fmt.Sprintf("headers\n%v\nand\n%v", ours, theirs)
	}
	for name, values := range ours {
		of := m
		if name == "X-Request-Id" {
			// Where the client sends none, each gateway makes one up.
			of = masker{}
		}
		if of.mask(strings.Join(values, "\n")) != of.mask(strings.Join(theirs[name], "\n")) {
			return fmt.Sprintf("header %s: %q and %q", name, values, theirs[name])
		}
	}
	return ""
}

// functionHeader returns the headers that are a function's. The others are
// those of the server in front, and SAM gives a challenge its own name. A list
// varies with the accepted coding only where it streams, which SAM cannot.
func (a answer) functionHeader() http.Header {
	all := http.Header{}
	for name, values := range a.header {
		switch name {
		case "Connection", "Content-Length", "Date", "Server", "X-Amz-Apigw-Id", "X-Amzn-Requestid":
		case "Vary":
			if values = slices.DeleteFunc(slices.Clone(values), func(v string) bool { return v == "Accept-Encoding" }); len(values) > 0 {
				all[name] = values
			}
		default:
			all[http.CanonicalHeaderKey(strings.TrimPrefix(name, "X-Amzn-Remapped-"))] = values
		}
	}
	return all
}

// sameJSON reports whether two values of JSON are the same, but for what a
// [masker] leaves out and for white space and the order of keys.
func sameJSON(a, b []byte, request string) (bool, error) {
	m := masker{request}
	var same [2]string
	for i, data := range [][]byte{a, b} {
		var v any
		if err := json.Unmarshal(data, &v); err != nil {
			return false, fmt.Errorf("%w: %s", err, data)
		}
		// What was decoded can be encoded.
		sorted, _ := json.Marshal(v)
		same[i] = m.mask(string(sorted))
	}
	return same[0] == same[1], nil
}

// masker hides what differs from one answer to the next: random ids, revisions
// and times. What the request says is not hidden.
type masker struct{ request string }

var random = regexp.MustCompile(strings.Join([]string{
	`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`, // A UUID.
	`\b[0-9a-f]{16}\b`, // An incarnation.
	`\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)`, // The time, as two APIs write it.
	`\b\d\d-\d\d-\d{4} \d\d:\d\d:\d\d\b`,
	`\b1\d{12}\b`, // The same in milliseconds.
}, "|"))

func (m masker) mask(text string) string {
	return random.ReplaceAllStringFunc(text, func(found string) string {
		if strings.Contains(m.request, found) {
			return found
		}
		return "RANDOM"
	})
}

// Each part of an answer counts.
func TestDifferences(t *testing.T) {
	t.Parallel()
	const id, other = "91c34f50-5181-4739-915a-7615a6a72d2f", "0d3b6a54-6f0e-4f7a-9a36-1c52d8f1f0aa"
	base := answer{200, http.Header{"Etag": {`"0123456789abcdef.1"`}}, `{"id":"` + id + `","at":"2026-01-02T03:04:05.678Z","n":1}`}
	for _, test := range []struct {
		name  string
		other answer
		want  string // Part of what is said.
	}{
		{"same", base, ""},
		{"id", answer{200, base.header, strings.ReplaceAll(base.body, id, other)}, ""},
		{"time", answer{200, base.header, strings.ReplaceAll(base.body, "05.678", "06")}, ""},
		{"incarnation", answer{200, http.Header{"Etag": {`"fedcba9876543210.1"`}}, base.body}, ""},
		{"header of a server", answer{200, http.Header{"Etag": base.header["Etag"], "Date": {"today"}}, base.body}, ""},
		{"status", answer{201, base.header, base.body}, "status"},
		{"number", answer{200, base.header, strings.ReplaceAll(base.body, `"n":1`, `"n":2`)}, "body"},
		{"white space", answer{200, base.header, base.body + "\n"}, "body"},
		{"no time", answer{200, base.header, strings.ReplaceAll(base.body, "2026-01-02T03:04:05.678Z", "now")}, "body"},
		{"version", answer{200, http.Header{"Etag": {`"0123456789abcdef.2"`}}, base.body}, "Etag"},
		{"no header", answer{200, http.Header{}, base.body}, "headers"},
		{"more headers", answer{200, http.Header{"Etag": base.header["Etag"], "Link": {"x"}}, base.body}, "headers"},
		{"more values", answer{200, http.Header{"Etag": {base.header.Get("Etag"), "x"}}, base.body}, "Etag"},
	} {
		for _, got := range []string{base.differs(test.other, ""), test.other.differs(base, "")} {
			if test.want == "" && got != "" || !strings.Contains(got, test.want) {
				t.Errorf("%s: %q, want %q", test.name, got, test.want)
			}
		}
	}
	// An id that was asked for must come back.
	changed := answer{200, base.header, strings.ReplaceAll(base.body, id, other)}
	if base.differs(changed, "GET /"+id) == "" {
		t.Error("another id than that of the request is as good")
	}
}

func TestSameJSON(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{`{"a":1,"b":null}`, "{ \"b\": null,\n\"a\": 1 }", true},
		{`{"a":1,"b":null}`, `{"a":1}`, false},
		{`{"removed":1}`, `{"removed":2}`, false},
		{`{"headers":{"X-Request-Id":"91c34f50-5181-4739-915a-7615a6a72d2f"}}`, `{"headers":{"X-Request-Id":"0d3b6a54-6f0e-4f7a-9a36-1c52d8f1f0aa"}}`, true},
	} {
		if got, err := sameJSON([]byte(test.a), []byte(test.b), ""); err != nil || got != test.want {
			t.Errorf("%s and %s: %t, %v", test.a, test.b, got, err)
		}
	}
	for _, broken := range [][2]string{{"{", "{}"}, {"{}", ""}} {
		if _, err := sameJSON([]byte(broken[0]), []byte(broken[1]), ""); err == nil {
			t.Errorf("%q are JSON", broken)
		}
	}
}
