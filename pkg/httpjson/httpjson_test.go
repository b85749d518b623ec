package httpjson_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// requestError returns the RequestError that err must be.
func requestError(t *testing.T, err error) *httpjson.RequestError {
	t.Helper()
	var e *httpjson.RequestError
	if !errors.As(err, &e) {
		t.Fatalf("got error %v, want a RequestError", err)
	}
	return e
}

func TestReadObject(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		body, contentType string
		status            int // 0 is success
		detail            string
	}{
		"an object":               {`{"a":1}`, "application/json", 0, ""},
		"without a content type":  {`{"a":1}`, "", 0, ""},
		"with a charset":          {`{"a":1}`, "application/json; charset=UTF-8", 0, ""},
		"a JSON subtype":          {`{"a":1}`, "application/merge-patch+json", 0, ""},
		"space around it":         {" \n{\"a\":1}\n ", "application/json", 0, ""},
		"a form":                  {`a=1`, "application/x-www-form-urlencoded", 400, "Content-Type"},
		"as a form":               {`{"a":1}`, "application/x-www-form-urlencoded", 0, ""},
		"as text, after space":    {"\r\n\t {\"a\":1}", "text/plain; charset=ISO-8859-1", 0, ""},
		"of a malformed type":     {`{"a":1}`, ";;", 0, ""},
		"a list as text":          {`[1]`, "text/plain", 400, "Content-Type"},
		"a malformed type":        {`a`, ";;", 400, "Content-Type"},
		"still compressed":        {"\x1f\x8b\x08\x00", "application/json", 400, "compressed"},
		"another charset":         {`{"a":"é"}`, "application/json; charset=latin1", 400, "charset"},
		"nothing":                 {"", "application/json", 400, "empty"},
		"white space":             {" \n", "application/json", 400, "empty"},
		"half an object":          {`{"a":`, "application/json", 400, "unexpected end"},
		"garbage after it":        {`{"a":1}x`, "application/json", 400, "after top-level value"},
		"two objects":             {`{"a":1}{"b":2}`, "application/json", 400, "after top-level value"},
		"a list":                  {`[1]`, "application/json", 400, "JSON array"},
		"a string":                {`"a"`, "application/json", 400, "JSON string"},
		"null":                    {`null`, "application/json", 400, "null"},
		"at the limit":            {`{"a":"` + strings.Repeat("x", httpjson.MaxBodyBytes-8) + `"}`, "", 0, ""},
		"over the limit":          {`{"a":"` + strings.Repeat("x", httpjson.MaxBodyBytes-7) + `"}`, "", 413, "over"},
		"no object, too deep":     {strings.Repeat(`[`, 20_000), "", 400, "The body must not be nested deeper than 100 levels"},
		"over the limit, no JSON": {strings.Repeat("x", httpjson.MaxBodyBytes+1), "", 413, "over"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(test.body))
			if test.contentType != "" {
				r.Header.Set("Content-Type", test.contentType)
			}
			body, members, err := httpjson.ReadObject(r)
			if test.status == 0 {
				if err != nil || string(body) != test.body || members["a"] == nil {
					t.Fatalf("got %.40q, %d members and error %v", body, len(members), err)
				}
				return
			}
			e := requestError(t, err)
			if e.Status != test.status || !strings.Contains(e.Detail, test.detail) {
				t.Errorf("got %d %q, want %d and %q in it", e.Status, e.Detail, test.status, test.detail)
			}
		})
	}
}

// What is nested too deep is named, whether it is a field that is read, and
// whatever the rest of the body is.
func TestDepth(t *testing.T) {
	t.Parallel()
	lists := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	objects := func(n int) string { return strings.Repeat(`{"x":`, n) + "0" + strings.Repeat("}", n) }
	brackets := strings.Repeat(`[{\"`, 200)
	for name, test := range map[string]struct{ body, field string }{
		"at the limit":         {`{"a":` + lists(httpjson.MaxDepth) + `}`, ""},
		"objects at the limit": {`{"a":` + objects(httpjson.MaxDepth) + `}`, ""},
		"many at the limit":    {`{"a":[` + strings.Repeat(lists(httpjson.MaxDepth-1)+",", 50) + `0]}`, ""},
		"brackets in a string": {`{"a":"` + brackets + `","` + brackets + `":["` + brackets + `"]}`, ""},
		"lists":                {`{"b":[1],"a":` + lists(httpjson.MaxDepth+1) + `}`, "a"},
		"objects":              {`{"b":"[","a":` + objects(httpjson.MaxDepth+1) + `,"c":1}`, "a"},
		"beside other values":  {`{"a":[[1],"x",` + lists(httpjson.MaxDepth) + `]}`, "a"},
		"as stored once":       {`{"a":` + lists(9_999) + `}`, "a"},
		"over encoding/json":   {`{"a":` + lists(20_000) + `}`, "a"},
		"unfinished":           {`{"a" : ` + strings.Repeat(`[`, 20_000), "a"},
		"an escaped name":      {`{"\u0061\"":` + lists(httpjson.MaxDepth+1) + `}`, `a"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, read := range []func(*http.Request) ([]byte, map[string]json.RawMessage, error){httpjson.ReadObject, httpjson.ReadForm} {
				_, _, err := read(httptest.NewRequest(http.MethodPost, "/", strings.NewReader(test.body)))
				if test.field == "" {
					if err != nil {
						t.Errorf("got error %v", err)
					}
					continue
				}
				if e := requestError(t, err); e.Status != 400 || len(e.Fields) != 1 || e.Fields[0].Field != test.field {
					t.Errorf("got %d %+v, want one about %s", e.Status, e.Fields, test.field)
				}
			}
		})
	}
}

// The depth is the one that encoding/json sees.
func FuzzDepth(f *testing.F) {
	f.Add(`{"a":[{"b":"]\\"}"},[1]],"\\"c[":{}}`, 98)
	f.Add(`{"a":[[[]]],"b":"\\u005b"}`, 97)
	f.Add(`{}`, 100)
	f.Fuzz(func(t *testing.T, text string, around int) {
		if around < 0 || around > httpjson.MaxDepth || !json.Valid([]byte(text)) {
			t.Skip()
		}
		deepest, depth := 0, 0
		for d := json.NewDecoder(strings.NewReader(text)); ; {
			token, err := d.Token()
			if err != nil {
				break
			}
			switch token {
			case json.Delim('{'), json.Delim('['):
				depth++
				deepest = max(deepest, depth)
			case json.Delim('}'), json.Delim(']'):
				depth--
			}
		}
		body := `{"in":` + strings.Repeat("[", around) + text + strings.Repeat("]", around) + `}`
		_, _, err := httpjson.ReadObject(httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body)))
		if !utf8.ValidString(text) {
			return
		}
		if (err != nil && strings.Contains(err.Error(), "nested")) != (around+deepest > httpjson.MaxDepth) {
			t.Errorf("%d levels around %q: got error %v", around, text, err)
		}
	})
}

func TestReadForm(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded"
	for name, test := range map[string]struct {
		body, contentType string
		status            int    // 0 is success
		a                 string // the member a then
	}{
		"JSON":                  {`{"a":1}`, "application/json", 0, `1`},
		"JSON as a form":        {` {"a":1}`, form, 0, `1`},
		"JSON as text":          {`{"a":1}`, "text/plain", 0, `1`},
		"JSON without a type":   {`{"a":1}`, "", 0, `1`},
		"a form":                {"a=1&b=2", form, 0, `"1"`},
		"a form with a charset": {"a=%C3%A9+x", form + "; charset=utf-8", 0, `"é x"`},
		"a quote in a form":     {"a=%22%5C", form, 0, `"\"\\"`},
		"repeated in a form":    {"a=1&a=2", form, 0, `"2"`},
		"empty in a form":       {"a=", form, 0, `""`},
		"nothing":               {"", "", 0, ""},
		"nothing as JSON":       {"", "application/json", 0, ""},
		"nothing as text":       {"", "text/plain", 0, ""},
		"half a JSON object":    {`{"a":`, "application/json", 400, ""},
		"a malformed form":      {"a=%zz", form, 400, ""},
		"text":                  {"a=1", "text/plain", 415, ""},
		"a large form":          {"a=" + strings.Repeat("x", httpjson.MaxBodyBytes), form, 413, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(test.body))
			if test.contentType != "" {
				r.Header.Set("Content-Type", test.contentType)
			}
			body, members, err := httpjson.ReadForm(r)
			switch {
			case test.status != 0:
				if e := requestError(t, err); e.Status != test.status {
					t.Errorf("got status %d, want %d", e.Status, test.status)
				}
			case err != nil || string(body) != test.body || string(members["a"]) != test.a:
				t.Errorf("got %q, a = %s and error %v, want a = %s", body, members["a"], err, test.a)
			}
		})
	}
}

// A byte order mark is no part of a body.
func TestByteOrderMark(t *testing.T) {
	t.Parallel()
	const mark = "\uFEFF"
	for body, contentType := range map[string]string{
		mark + `{"a":"1"}`:             "",
		mark + ` {"a" : "1"}`:          "application/x-www-form-urlencoded",
		mark + "{\"a\":\"1\"\r\n}\r\n": "application/json",
		mark + "a=1":                   "application/x-www-form-urlencoded",
	} {
		r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		got, members, err := httpjson.ReadForm(r)
		if err != nil || string(members["a"]) != `"1"` || string(got) != strings.TrimPrefix(body, mark) {
			t.Errorf("%q: got %q, a = %s and error %v", body, got, members["a"], err)
		}
	}
	_, _, err := httpjson.ReadObject(httptest.NewRequest(http.MethodPost, "/", strings.NewReader(mark+mark+`{}`)))
	if e := requestError(t, err); e.Status != http.StatusBadRequest {
		t.Errorf("two marks: got %d", e.Status)
	}
}

func TestParameters(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		query string
		want  map[string]string
		bad   string // the field of the error
	}{
		"none":                       {"", map[string]string{}, ""},
		"one":                        {"code=A", map[string]string{"code": "A"}, ""},
		"name in another case":       {"CODE=A", map[string]string{"code": "A"}, ""},
		"escaped":                    {"code=a%26b+c", map[string]string{"code": "a&b c"}, ""},
		"empty counts as not given":  {"code=&name=x", map[string]string{"name": "x"}, ""},
		"without a value":            {"code", map[string]string{}, ""},
		"against caches":             {"_=1700000000000&code=A&_=%FF", map[string]string{"code": "A"}, ""},
		"unknown":                    {"kode=A", nil, "kode"},
		"unknown without a name":     {"=A", nil, ""},
		"repeated":                   {"code=A&code=A", nil, "code"},
		"repeated in another case":   {"code=A&Code=B", nil, "code"},
		"bytes that are not UTF-8":   {"code=a%FF", nil, "code"},
		"an escaped surrogate":       {"code=%ED%A0%80", nil, "code"},
		"U+FFFD":                     {"code=%EF%BF%BD", nil, "code"},
		"a name that is not UTF-8":   {"%FF=A", nil, "\xff"},
		"repeated, empty and not":    {"code=&code=B", nil, "code"},
		"repeated in case and empty": {"code=&CODE=B", nil, "code"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodGet, "/?"+test.query, nil)
			got, err := httpjson.Parameters(r, "code", "name")
			if test.want != nil {
				if err != nil || len(got) != len(test.want) || got["code"] != test.want["code"] || got["name"] != test.want["name"] {
					t.Errorf("got %v and error %v, want %v", got, err, test.want)
				}
				return
			}
			e := requestError(t, err)
			if e.Status != http.StatusBadRequest || len(e.Fields) != 1 || e.Fields[0].Field != test.bad {
				t.Errorf("got %d %+v, want 400 for %q", e.Status, e.Fields, test.bad)
			}
		})
	}
	t.Run("malformed escapes", func(t *testing.T) {
		t.Parallel()
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.RawQuery = "code=%zz"
		_, err := httpjson.Parameters(r, "code")
		if e := requestError(t, err); e.Status != http.StatusBadRequest {
			t.Errorf("got %d, want 400", e.Status)
		}
	})
}

func TestListParameters(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]httpjson.Paging{
		"":                   {},
		"limit=1":            {Limit: 1},
		"limit=1000":         {Limit: 1000},
		"Limit=7&CURSOR=abc": {Limit: 7, Cursor: "abc"},
		"limit=":             {},
	} {
		_, got, err := httpjson.ListParameters(httptest.NewRequest(http.MethodGet, "/?"+query, nil))
		if err != nil || got != want {
			t.Errorf("%q: got %+v and error %v, want %+v", query, got, err, want)
		}
	}
	for _, query := range []string{"limit=0", "limit=-1", "limit=1001", "limit=ten", "limit=1.5", "limit=99999999999999999999"} {
		_, _, err := httpjson.ListParameters(httptest.NewRequest(http.MethodGet, "/?"+query, nil))
		if e := requestError(t, err); e.Status != http.StatusBadRequest || e.Fields[0].Field != "limit" {
			t.Errorf("%q: got %d %+v, want 400 for limit", query, e.Status, e.Fields)
		}
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	current := instance.Instance{Incarnation: "a", Version: 1}
	for value, want := range map[string]struct{ match, notModified bool }{
		`"a.1"`:          {true, true},
		`*`:              {true, true},
		`"b.1", "a.1"`:   {true, true},
		`"b.1","a.1"`:    {true, true},
		`W/"a.1"`:        {false, true},
		`"a.2"`:          {false, false},
		`a.1`:            {false, false},
		`"b.1", "a.1\""`: {false, false},
		``:               {false, false},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("If-Match", value)
		r.Header.Set("If-None-Match", value)
		notModified := httpjson.NotModified(r, httpjson.ETag(current.Revision()))
		r.Header.Del("If-None-Match")
		err := httpjson.CheckIfMatch(r)(current)
		if (err == nil) != want.match {
			t.Errorf("If-Match %s: got error %v, want a match: %v", value, err, want.match)
		}
		if err != nil {
			refused := requestError(t, err)
			if refused.Status != http.StatusPreconditionFailed || refused.ETag != `"a.1"` || !strings.Contains(refused.Detail, `"a.1"`) {
				t.Errorf("If-Match %s: got %+v, want status 412 and the current tag", value, refused)
			}
		}
		if notModified != want.notModified {
			t.Errorf("If-None-Match %s: got %v, want %v", value, notModified, want.notModified)
		}
		r.Header = http.Header{"If-None-Match": {value}}
		if err := httpjson.CheckIfMatch(r)(current); (err != nil) != want.notModified || err != nil && requestError(t, err).Status != 412 {
			t.Errorf("If-None-Match %s on a write: got error %v, want one: %v", value, err, want.notModified)
		}
	}
	plain := httptest.NewRequest(http.MethodGet, "/", nil)
	if httpjson.CheckIfMatch(plain)(current) != nil || httpjson.NotModified(plain, `"a.1"`) {
		t.Error("a request without conditions has one")
	}
}
