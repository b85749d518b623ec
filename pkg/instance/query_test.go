package instance_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"reflect"
	"regexp"
	"testing"

	"pgregory.net/rapid"

	"instances/pkg/instance"
)

// drawQuery draws a query as a first page has it.
func drawQuery(t *rapid.T, label string) instance.Query {
	text := rapid.OneOf(rapid.SampledFrom([]string{"", "a", "b", "ab"}), rapid.String())
	q := instance.Query{
		Kind: instance.Kind{Name: rapid.SampledFrom([]string{"one", "two"}).Draw(t, label+" kind")},
		Code: text.Draw(t, label+" code"), Group: text.Draw(t, label+" group"),
		SubGroup: text.Draw(t, label+" subgroup"), Name: text.Draw(t, label+" name"),
		Status: text.Draw(t, label+" status"),
		Limit:  rapid.IntRange(0, 1000).Draw(t, label+" limit"),
	}
	if rapid.Bool().Draw(t, label+" collections") {
		q.Collections = rapid.SliceOfN(text, 1, 3).Draw(t, label+" collection")
	}
	return q
}

func TestCursorRoundTrip(t *testing.T) {
	t.Parallel()
	safe := regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	rapid.Check(t, func(t *rapid.T) {
		q := drawQuery(t, "query")
		last := instance.Instance{
			Collection: rapid.String().Draw(t, "collection"), ID: rapid.StringN(1, -1, -1).Draw(t, "id"),
		}
		if q.Collections != nil {
			last.Collection = rapid.SampledFrom(q.Collections).Draw(t, "one of the collections")
		}
		text := q.Cursor(last)
		if !safe.MatchString(text) {
			t.Fatalf("cursor %q is not safe in a URL", text)
		}
		want := q
		want.After = instance.Position{Collection: last.Collection, SortKey: last.SortKey()}
		got, err := q.Resume(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("resumed is %+v (%v), want %+v", got, err, want)
		}
		// The next page may be of another size, and its cursor goes on.
		q.Limit++
		if got, err = q.Resume(text); err != nil || got.After != want.After {
			t.Fatalf("with another limit: %+v (%v)", got, err)
		}
		if again := got.Cursor(last); again != text {
			t.Fatalf("cursor of the next page is %q, want %q", again, text)
		}
	})
}

func TestCursorIsBoundToItsQuery(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		q, other := drawQuery(t, "query"), drawQuery(t, "other")
		other.Limit = q.Limit
		last := instance.Instance{Collection: "c", ID: "1"}
		if q.Collections != nil {
			last.Collection = q.Collections[0]
		}
		_, err := other.Resume(q.Cursor(last))
		if same := reflect.DeepEqual(q, other); same != (err == nil) {
			t.Fatalf("error is %v for %+v and %+v", err, q, other)
		}
		if err != nil && (!errors.Is(err, instance.ErrForeignCursor) || !errors.Is(err, instance.ErrCursor)) {
			t.Fatalf("error is %v, want %v", err, instance.ErrForeignCursor)
		}
	})
}

// Each part of a query is told from the others.
func TestCursorTellsFieldsApart(t *testing.T) {
	t.Parallel()
	last := instance.Instance{Collection: "x", ID: "1"}
	queries := []instance.Query{
		{},
		{Kind: instance.Kind{Name: "x"}},
		{Code: "x"},
		{Group: "x"},
		{SubGroup: "x"},
		{Name: "x"},
		{Status: "x"},
		{Status: "X"},
		{Name: "x", Status: "x"},
		{Collections: []string{"x"}},
		{Collections: []string{"x", "x"}},
		{Group: "x", SubGroup: "x"},
		{Name: `x","x`},
	}
	for n, q := range queries {
		for m, other := range queries {
			if _, err := other.Resume(q.Cursor(last)); (n == m) != (err == nil) {
				t.Errorf("cursor of %+v for %+v: %v", q, other, err)
			}
		}
	}
}

func TestResumeRefuses(t *testing.T) {
	t.Parallel()
	q := instance.Query{Name: "n"}
	valid := q.Cursor(instance.Instance{Collection: "c", ID: "1"})
	encode := base64.RawURLEncoding.EncodeToString
	other := q.Cursor(instance.Instance{Collection: "c", ID: "11"})
	for _, test := range []struct{ name, text string }{
		{"empty", ""},
		{"no base64", "%%%"},
		{"padded", valid + "="},
		{"white space", valid + " "},
		{"standard alphabet", "ab+/"},
		{"no JSON", encode([]byte("nothing"))},
		{"two values", encode([]byte("{}{}"))},
		{"null", encode([]byte("null"))},
		{"no position", encode([]byte("{}"))},
		{"no query", encode([]byte(`{"c":"c","s":"1"}`))},
		{"the former shape", encode([]byte(`{"q":"","c":"c","i":"1"}`))},
		{"no id", q.Cursor(instance.Instance{Collection: "c"})},
		{"wrong type", encode([]byte(`{"c":1,"s":"1"}`))},
		{"cut", valid[:len(valid)-4]},
		// The last letter of this one holds two bits that mean nothing.
		{"another spelling", other[:len(other)-1] + string(other[len(other)-1]+1)},
		{"without its sum", encode(regexp.MustCompile(`,"h":"[^"]*"`).ReplaceAll(decode(t, other), nil))},
		{"another position", encode(bytes.Replace(decode(t, other), []byte(`"11"`), []byte(`"12"`), 1))},
		{"more in it", encode(bytes.Replace(decode(t, other), []byte(`{`), []byte(`{"x":1,`), 1))},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := q.Resume(test.text)
			if !errors.Is(err, instance.ErrCursor) || errors.Is(err, instance.ErrForeignCursor) {
				t.Errorf("error is %v, want %v", err, instance.ErrCursor)
			}
			if !reflect.DeepEqual(got, instance.Query{}) {
				t.Errorf("query is %+v beside the error", got)
			}
		})
	}
}

// decode returns what a cursor holds.
func decode(t *testing.T, cursor string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A cursor that somebody made up, with the right sum too, leads to no place where
// the query has no answers.
func TestResumeRefusesForgedPositions(t *testing.T) {
	t.Parallel()
	var (
		plain    = instance.Query{Collections: []string{"alice"}}
		numbered = instance.Query{Kind: instance.Kind{Name: "n", Order: instance.OrderNumber}}
		timed    = instance.Query{Kind: instance.Kind{Name: "t", Order: instance.OrderTime}, Collections: []string{"alice"}}
		block    = instance.Block(7)
	)
	for name, test := range map[string]struct {
		q                   instance.Query
		collection, sortKey string
		allowed             bool
	}{
		"its own":              {plain, "alice", "1", true},
		"of another owner":     {plain, "bob", "1", false},
		"of none":              {plain, "", "1", false},
		"a number":             {numbered, block, "0000000000000000007", true},
		"in another block":     {numbered, instance.Block(20_000), "0000000000000000007", false},
		"no block":             {numbered, "alice", "0000000000000000007", false},
		"a short number":       {numbered, block, "7", false},
		"a negative number":    {numbered, block, "-000000000000000007", false},
		"zero":                 {numbered, instance.Block(0), "0000000000000000000", false},
		"beyond all numbers":   {numbered, block, "9999999999999999999", false},
		"no number":            {numbered, block, "000000000000000000x", false},
		"a time":               {timed, "alice", "279888423412000#x#y", true},
		"a time of another":    {timed, "bob", "279888423412000#x", false},
		"a time alone":         {timed, "alice", "279888423412000", false},
		"a time without an id": {timed, "alice", "279888423412000#", false},
		"beyond all times":     {timed, "alice", "999999999999999#x", false},
		"no time":              {timed, "alice", "x#x", false},
		"a signed time":        {timed, "alice", "+79888423412000#x", false},
	} {
		// In a kind without a special order, the sort key is the id.
		got, err := test.q.Resume(test.q.Cursor(instance.Instance{Collection: test.collection, ID: test.sortKey}))
		if !test.allowed && !errors.Is(err, instance.ErrCursor) || test.allowed && (err != nil || got.After.SortKey != test.sortKey) {
			t.Errorf("%s: got %+v, %v", name, got.After, err)
		}
	}
}

// Whatever a client sends is a position of this query or ErrCursor.
func FuzzResume(f *testing.F) {
	q := instance.Query{Kind: instance.Kind{Name: "k"}, Name: "n", Limit: 10}
	f.Add(q.Cursor(instance.Instance{Collection: "c", ID: "1"}))
	f.Add(instance.Query{}.Cursor(instance.Instance{Collection: "c", ID: "1"}))
	f.Add(base64.RawURLEncoding.EncodeToString([]byte(`{"q":null,"c":"c","s":"1"}`)))
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := q.Resume(text)
		if err != nil {
			if !errors.Is(err, instance.ErrCursor) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		want := q
		want.After = got.After
		if got.After.SortKey == "" || !reflect.DeepEqual(got, want) {
			t.Fatalf("%q resumes as %+v", text, got)
		}
		// In a kind without a special order, the sort key is the id.
		again, err := q.Resume(q.Cursor(instance.Instance{Collection: got.After.Collection, ID: got.After.SortKey}))
		if err != nil || again.After != got.After {
			t.Fatalf("%+v goes on as %+v, %v", got.After, again.After, err)
		}
	})
}
