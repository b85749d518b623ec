package instance_test

import (
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
	last := instance.Instance{Collection: "c", ID: "1"}
	rapid.Check(t, func(t *rapid.T) {
		q, other := drawQuery(t, "query"), drawQuery(t, "other")
		other.Limit = q.Limit
		_, err := other.Resume(q.Cursor(last))
		if same := reflect.DeepEqual(q, other); same != (err == nil) {
			t.Fatalf("error is %v for %+v and %+v", err, q, other)
		}
		if err != nil && !errors.Is(err, instance.ErrCursor) {
			t.Fatalf("error is %v, want %v", err, instance.ErrCursor)
		}
	})
}

// Each part of a query is told from the others.
func TestCursorTellsFieldsApart(t *testing.T) {
	t.Parallel()
	last := instance.Instance{Collection: "c", ID: "1"}
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
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := q.Resume(test.text)
			if !errors.Is(err, instance.ErrCursor) {
				t.Errorf("error is %v, want %v", err, instance.ErrCursor)
			}
			if !reflect.DeepEqual(got, instance.Query{}) {
				t.Errorf("query is %+v beside the error", got)
			}
		})
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
