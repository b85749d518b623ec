package topology

import (
	"net/http"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// GetInstance answers GET /{Id} with the instance. Where If-None-Match names
// its state, it answers 304.
func GetInstance(instances instance.Getter) httpjson.Handler {
	return func(r *http.Request, _ auth.Principal) (httpjson.Answer, error) {
		key, err := keyOf(r)
		if err != nil {
			return httpjson.Answer{}, err
		}
		i, err := instances.Get(r.Context(), key)
		if err != nil {
			return httpjson.Answer{}, err
		}
		if etag := httpjson.ETag(i.Revision()); httpjson.NotModified(r, etag) {
			return httpjson.Answer{Status: http.StatusNotModified, ETag: etag}, nil
		}
		return answerWith(http.StatusOK, i)
	}
}
