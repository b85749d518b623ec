package topology

import (
	"net/http"
	"time"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// DeleteInstance answers DELETE /{Id} with 204. A body is ignored. Where
// If-Match names another state, it answers 412. A request with an Idempotency-Key
// can be repeated.
func DeleteInstance(instances instance.Deleter, now func() time.Time) httpjson.Handler {
	return func(r *http.Request, who auth.Principal) (httpjson.Answer, error) {
		key, err := keyOf(r)
		if err != nil {
			return httpjson.Answer{}, err
		}
		op := httpjson.Operation{Change: httpjson.Change(r, who, now(), "delete"), Route: "DELETE " + onePath, Resource: key.ID}
		answer := func(instance.Instance) (httpjson.Answer, error) {
			return httpjson.Answer{Status: http.StatusNoContent}, nil
		}
		return httpjson.Once(r, op, answer, func(record *instance.Idempotency) (instance.Instance, error) {
			return instance.Instance{}, instances.Delete(r.Context(), key, op.Change, record, httpjson.CheckIfMatch(r))
		})
	}
}
