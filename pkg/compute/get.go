package compute

import (
	"context"
	"net/http"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// Getter reads one instance.
type Getter interface {
	// Get returns the instance, or [instance.ErrNotFound].
	Get(ctx context.Context, key instance.Key) (instance.Instance, error)
}

// GetInstance answers GET {uuid}/ with the instance.
func GetInstance(instances Getter, s Settings) httpjson.Handler {
	return func(r *http.Request, who auth.Principal) (httpjson.Answer, error) {
		key, err := keyOf(r, who)
		if err != nil {
			return httpjson.Answer{}, err
		}
		i, err := instances.Get(r.Context(), key)
		if err != nil {
			return httpjson.Answer{}, err
		}
		body, err := s.encodeRead(i, profileOf(who), s.Now())
		if err != nil {
			return httpjson.Answer{}, err
		}
		answer, err := httpjson.NewAnswer(http.StatusOK, body)
		answer.ETag = httpjson.ETag(i.Revision())
		return answer, err
	}
}
