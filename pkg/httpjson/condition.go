package httpjson

import (
	"net/http"
	"slices"
	"strings"

	"instances/pkg/instance"
)

// ETag returns the strong entity tag of a revision, which must not contain quotes
// or control characters.
func ETag(revision string) string { return `"` + revision + `"` }

// CheckIfMatch returns a function that returns a [RequestError] of status 412,
// with the current entity tag, where r, a write, has an If-Match header that the
// instance does not satisfy, or an If-None-Match header that it does (RFC 9110,
// 13.1).
func CheckIfMatch(r *http.Request) func(instance.Instance) error {
	return func(i instance.Instance) error {
		etag := ETag(i.Revision())
		var found string
		switch {
		case !matches(r.Header.Values("If-Match"), etag):
			found = "The instance is not in the state that If-Match names"
		case NotModified(r, etag):
			found = "The instance exists in a state that If-None-Match excludes"
		default:
			return nil
		}
		return &RequestError{
			Status: http.StatusPreconditionFailed,
			Detail: found + "; its ETag now is " + etag + ". Read it again, and repeat the request if it still applies.",
			ETag:   etag,
		}
	}
}

// matches reports whether the entity tag satisfies the values of If-Match. Weak
// tags never match here.
func matches(values []string, etag string) bool {
	return len(values) == 0 || slices.ContainsFunc(entityTags(values), func(tag string) bool { return tag == "*" || tag == etag })
}

// IfMatch returns a modify that makes the check of [CheckIfMatch] first, on each
// state that is read: a lost race is a 412 too.
func IfMatch(r *http.Request, modify func(instance.Instance) (instance.Instance, error)) func(instance.Instance) (instance.Instance, error) {
	check := CheckIfMatch(r)
	return func(i instance.Instance) (instance.Instance, error) {
		if err := check(i); err != nil {
			return instance.Instance{}, err
		}
		return modify(i)
	}
}

// NotModified reports whether r has an If-None-Match header that the current
// entity tag satisfies (RFC 9110, 13.1.2): the answer to a GET is then 304.
func NotModified(r *http.Request, etag string) bool {
	for _, tag := range entityTags(r.Header.Values("If-None-Match")) {
		if tag == "*" || strings.TrimPrefix(tag, "W/") == etag {
			return true
		}
	}
	return false
}

// entityTags splits header values into entity tags. This API's tags contain no
// commas; a foreign tag that does is cut into parts that match nothing.
func entityTags(values []string) []string {
	var tags []string
	for tag := range strings.SplitSeq(strings.Join(values, ","), ",") {
		if tag = strings.TrimSpace(tag); tag != "" {
			tags = append(tags, tag)
		}
	}
	return tags
}
