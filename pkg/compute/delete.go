package compute

import (
	"net/http"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// DeleteInstance answers DELETE {uuid}/. A body is ignored. Where If-Match
// names another state, it answers 412.
func DeleteInstance(instances instance.Deleter, s Settings) httpjson.Handler {
	return func(r *http.Request, who auth.Principal) (httpjson.Answer, error) {
		key, err := keyOf(r, who)
		if err != nil {
			return httpjson.Answer{}, err
		}
		err = instances.Delete(r.Context(), key, httpjson.Change(r, who, s.Now(), "delete"), httpjson.CheckIfMatch(r))
		if err != nil {
			return httpjson.Answer{}, err
		}
		status := profileOf(who).deleted
		if status == http.StatusNoContent {
			return httpjson.Answer{Status: status}, nil
		}
		return httpjson.NewAnswer(status, struct{}{})
	}
}
