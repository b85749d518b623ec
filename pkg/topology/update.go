package topology

import (
	"net/http"
	"time"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// UpdateInstance answers PUT /{Id}: the instance becomes what the body
// describes. Where If-Match names another state, it answers 412.
func UpdateInstance(instances instance.Updater, now func() time.Time) httpjson.Handler {
	return func(r *http.Request, who auth.Principal) (httpjson.Answer, error) {
		key, err := keyOf(r)
		if err != nil {
			return httpjson.Answer{}, err
		}
		_, in, err := readInstance(r)
		if err != nil {
			return httpjson.Answer{}, err
		}
		return update(r, instances, key, httpjson.Change(r, who, now(), "replace"), in.replace)
	}
}

// update changes an instance with modify and answers with it.
func update(r *http.Request, instances instance.Updater, key instance.Key, change instance.Change,
	modify func(instance.Instance) (instance.Instance, error),
) (httpjson.Answer, error) {
	i, err := instances.Update(r.Context(), key, change, httpjson.IfMatch(r, modify))
	if err != nil {
		return httpjson.Answer{}, err
	}
	return answerWith(http.StatusOK, i)
}
