package compute

import (
	"net/http"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// GetInstance answers GET {uuid}/ with the instance.
func GetInstance(instances instance.Getter, s Settings) httpjson.Handler {
	return func(r *http.Request, who auth.Principal) (httpjson.Answer, error) {
		key, err := keyOf(r, who)
		if err != nil {
			return httpjson.Answer{}, err
		}
		i, err := instances.Get(r.Context(), key)
		if err != nil {
			return httpjson.Answer{}, err
		}
		return answerRead(i, s.encoder(), profileOf(who))
	}
}
