package topology

import (
	"net/http"
	"time"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// DeleteInstance answers DELETE /{Id} with 204. A body is ignored. Where
// If-Match names another state, it answers 412.
func DeleteInstance(instances instance.Deleter, now func() time.Time) httpjson.Handler {
	return func(r *http.Request, who auth.Principal) (httpjson.Answer, error) {
		key, err := keyOf(r)
		if err != nil {
			return httpjson.Answer{}, err
		}
		err = instances.Delete(r.Context(), key, httpjson.Change(r, who, now(), "delete"), httpjson.CheckIfMatch(r))
		if err != nil {
			return httpjson.Answer{}, err
		}
		return httpjson.Answer{Status: http.StatusNoContent}, nil
	}
}
