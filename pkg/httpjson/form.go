package httpjson

import (
	"encoding/json"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
)

// ReadForm reads the body of r, of at most [MaxBodyBytes], as a JSON object or
// as a form (application/x-www-form-urlencoded), by its Content-Type, unless it
// starts like an object. A value
// of a form becomes a JSON string; if a field is repeated, the last value counts.
// An empty body of any type has no members. Errors are as in [ReadObject], and of
// status 415 for any other type.
func ReadForm(r *http.Request) ([]byte, map[string]json.RawMessage, error) {
	body, err := readBody(r)
	if err != nil || len(body) == 0 {
		return body, nil, err
	}
	media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case startsObject(body) || r.Header.Get("Content-Type") == "" || isJSON(media):
		members, err := parseObject(body)
		return body, members, err
	case media == "application/x-www-form-urlencoded":
		members, err := parseForm(body)
		return body, members, err
	default:
		return nil, nil, &RequestError{
			Status: http.StatusUnsupportedMediaType,
			Detail: "The Content-Type must be application/json or application/x-www-form-urlencoded.",
		}
	}
}

// parseForm decodes a form.
func parseForm(body []byte) (map[string]json.RawMessage, error) {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, badRequest("The body is not a valid form.")
	}
	members := make(map[string]json.RawMessage, len(values))
	f := NewFields(nil)
	for _, name := range slices.Sorted(maps.Keys(values)) {
		list := values[name]
		if hasReplacement(name) || slices.ContainsFunc(list, hasReplacement) {
			f.Reject(name, notUnicode)
		}
		// A string always has a JSON form.
		members[name], _ = json.Marshal(list[len(list)-1])
	}
	return members, f.Err()
}
