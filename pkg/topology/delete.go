package topology

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

// DeleteInstance answers DELETE /{Id} with 204. A body is ignored. Where
// If-Match names another state, it answers 412.
func DeleteInstance(instances Deleter, now func() time.Time) http.Handler {
	return httpjson.Handle(func(w http.ResponseWriter, r *http.Request) error {
		who, err := auth.PrincipalFrom(r.Context())
		if err != nil {
			return err
		}
		key, err := keyOf(r)
		if err != nil {
			return err
		}
		err = instances.Delete(r.Context(), key, httpjson.Change(r, who, now(), "delete"), func(i instance.Instance) error {
			return httpjson.CheckIfMatch(r, httpjson.ETag(i.Revision()))
		})
		if err != nil {
			return err
		}
		httpjson.Answer{Status: http.StatusNoContent}.Write(w)
		return nil
	}, fail)
}
