package compute

import (
	"net/http"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// DeleteInstance answers DELETE {uuid}/. A body is ignored. Where If-Match
// names another state, it answers 412. A request with an Idempotency-Key can be
// repeated.
func DeleteInstance(instances instance.Deleter, s Settings) httpjson.Handler {
	return func(r *http.Request, who auth.Principal) (httpjson.Answer, error) {
		key, err := keyOf(r, who)
		if err != nil {
			return httpjson.Answer{}, err
		}
		op := httpjson.Operation{Change: httpjson.Change(r, who, s.Now(), "delete"), Route: "DELETE " + onePath, Resource: key.ID}
		answer := func(instance.Instance) (httpjson.Answer, error) {
			if status := profileOf(who).deleted; status == http.StatusNoContent {
				return httpjson.Answer{Status: status}, nil
			}
			return httpjson.NewAnswer(http.StatusOK, struct{}{})
		}
		return httpjson.Once(r, op, answer, func(record *instance.Idempotency) (instance.Instance, error) {
			return instance.Instance{}, instances.Delete(r.Context(), key, op.Change, record, httpjson.CheckIfMatch(r))
		})
	}
}
