package execution

import (
	"context"
	"net/http"

	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// Getter reads one instance.
type Getter interface {
	// Get returns the instance, or [instance.ErrNotFound].
	Get(ctx context.Context, key instance.Key) (instance.Instance, error)
}

// GetInstance answers GET /instances/get/{id} with the instance. Where
// If-None-Match names its state, it answers 304.
func GetInstance(instances Getter) http.Handler {
	return httpjson.Handle(func(w http.ResponseWriter, r *http.Request) error {
		key, err := Key(r.PathValue("id"))
		if err != nil {
			return err
		}
		i, err := instances.Get(r.Context(), key)
		if err != nil {
			return err
		}
		if etag := httpjson.ETag(i.Revision()); httpjson.NotModified(r, etag) {
			httpjson.Answer{Status: http.StatusNotModified, ETag: etag}.Write(w)
			return nil
		}
		answer, err := answerWith(i)
		if err != nil {
			return err
		}
		answer.Write(w)
		return nil
	}, fail)
}
