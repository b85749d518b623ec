package httpjson

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// MaxLimit is the largest value of the parameter limit.
const MaxLimit = 1000

// Paging is what a request for a list says about pages.
type Paging struct {
	// Limit is the largest number of entries that the client wants, or 0.
	Limit int
	// Cursor says where to continue; it is empty for the first page.
	Cursor string
}

// Parameters returns the query parameters of r that have a value, by the given
// names, which a client may write in any case. An unknown or repeated parameter is
// a [RequestError] of status 400 that names it, so that a typo never widens a
// search; so is one that is not Unicode text. The parameter _ is ignored.
func Parameters(r *http.Request, names ...string) (map[string]string, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, badRequest("The query of the URL is malformed.")
	}
	given := map[string]string{}
	bad := newParameters()
	seen := map[string]bool{}
	// Sorted, so that the answer to a request is always the same.
	for _, sent := range slices.Sorted(maps.Keys(values)) {
		i := slices.IndexFunc(names, func(name string) bool { return strings.EqualFold(name, sent) })
		switch {
		case sent == "_":
			// Browsers' libraries and generated clients add it against caches.
		case i < 0:
			bad.Reject(sent, "is not a parameter here; there are "+strings.Join(names, ", "))
		case seen[names[i]] || len(values[sent]) > 1:
			bad.Reject(names[i], "must be given at most once")
		case hasReplacement(values.Get(sent)):
			bad.Reject(names[i], notUnicode)
		case values.Get(sent) != "":
			given[names[i]] = values.Get(sent)
		}
		if i >= 0 {
			seen[names[i]] = true
		}
	}
	return given, bad.Err()
}

// ListParameters returns what [Parameters] does, with limit and cursor among
// the names, and these two apart.
func ListParameters(r *http.Request, names ...string) (map[string]string, Paging, error) {
	given, err := Parameters(r, append(slices.Clone(names), "limit", "cursor")...)
	if err != nil {
		return nil, Paging{}, err
	}
	paging := Paging{Cursor: given["cursor"]}
	if text, ok := given["limit"]; ok {
		paging.Limit, err = strconv.Atoi(text)
		if err != nil || paging.Limit < 1 || paging.Limit > MaxLimit {
			bad := newParameters()
			bad.Reject("limit", fmt.Sprintf("must be an integer from 1 to %d", MaxLimit))
			return nil, Paging{}, bad.Err()
		}
	}
	delete(given, "limit")
	delete(given, "cursor")
	return given, paging, nil
}

// newParameters collects what is wrong with query parameters.
func newParameters() *Fields { return &Fields{noun: "query parameter"} }
