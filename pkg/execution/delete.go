package execution

import (
	"net/http"
	"time"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// DeleteInstance answers DELETE /instances/delete/{id}. Where If-Match names
// another state, it answers 412.
func DeleteInstance(instances instance.Deleter, now func() time.Time) httpjson.Handler {
	return func(r *http.Request, who auth.Principal) (httpjson.Answer, error) {
		key, err := Key(r.PathValue("id"))
		if err != nil {
			return httpjson.Answer{}, err
		}
		err = instances.Delete(r.Context(), key, httpjson.Change(r, who, now(), "delete"), httpjson.CheckIfMatch(r))
		if err != nil {
			return httpjson.Answer{}, err
		}
		return httpjson.NewAnswer(http.StatusOK, message{"Instance deleted successfully"})
	}
}
