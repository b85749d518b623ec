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
func GetInstance(instances Getter, s Settings) http.Handler {
	return httpjson.Handle(func(w http.ResponseWriter, r *http.Request) error {
		who, err := auth.PrincipalFrom(r.Context())
		if err != nil {
			return err
		}
		key, err := keyOf(r, who)
		if err != nil {
			return err
		}
		i, err := instances.Get(r.Context(), key)
		if err != nil {
			return err
		}
		body, err := s.encodeRead(i, profileOf(who), s.Now())
		if err != nil {
			return err
		}
		answer, err := httpjson.NewAnswer(http.StatusOK, body)
		if err != nil {
			return err
		}
		answer.ETag = httpjson.ETag(i.Revision())
		answer.Write(w)
		return nil
	}, fail)
}
