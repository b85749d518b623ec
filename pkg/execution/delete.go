package execution

import (
	"net/http"
	"time"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// DeleteInstance answers DELETE /instances/delete/{id}. Where If-Match names
// another state, it answers 412. A request with an Idempotency-Key can be repeated.
func DeleteInstance(instances instance.Deleter, now func() time.Time) httpjson.Handler {
	return func(r *http.Request, who auth.Principal) (httpjson.Answer, error) {
		key, err := Key(r.PathValue("id"))
		if err != nil {
			return httpjson.Answer{}, err
		}
		op := httpjson.Operation{
			Change: httpjson.Change(r, who, now(), "delete"), Route: "DELETE " + BasePath + "/delete/{id}", Resource: key.ID,
		}
		answer := func(instance.Instance) (httpjson.Answer, error) {
			return httpjson.NewAnswer(http.StatusOK, message{"Instance deleted successfully"})
		}
		return httpjson.Once(r, op, answer, func(record *instance.Idempotency) (instance.Instance, error) {
			return instance.Instance{}, instances.Delete(r.Context(), key, op.Change, record, httpjson.CheckIfMatch(r))
		})
	}
}
