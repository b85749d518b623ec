package topology

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

// GetInstance answers GET /{Id} with the instance. Where If-None-Match names
// its state, it answers 304.
func GetInstance(instances Getter) http.Handler {
	return httpjson.Handle(func(w http.ResponseWriter, r *http.Request) error {
		key, err := keyOf(r)
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
		return writeInstance(w, i)
	}, fail)
}

// writeInstance answers 200 with i.
func writeInstance(w http.ResponseWriter, i instance.Instance) error {
	answer, err := answerWith(http.StatusOK, i)
	if err != nil {
		return err
	}
	answer.Write(w)
	return nil
}

// answerWith returns an answer that holds i.
func answerWith(status int, i instance.Instance) (httpjson.Answer, error) {
	d, err := encode(i)
	if err != nil {
		return httpjson.Answer{}, err
	}
	answer, err := httpjson.NewAnswer(status, d)
	answer.ETag = httpjson.ETag(i.Revision())
	return answer, err
}
