package execution

import (
	"context"
	"net/http"
	"time"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// Deleter deletes instances.
type Deleter interface {
	// Delete deletes the instance if check, which is given what would be
	// deleted, returns nil. It returns [instance.ErrNotFound],
	// [instance.ErrUnavailable] or the error of check.
	Delete(ctx context.Context, key instance.Key, change instance.Change, check func(instance.Instance) error) error
}

// DeleteInstance answers DELETE /instances/delete/{id}. Where If-Match names
// another state, it answers 412.
func DeleteInstance(instances Deleter, now func() time.Time) httpjson.Handler {
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
