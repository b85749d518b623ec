package execution

import (
	"net/http"
	"time"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// UpdateInstance answers POST /instances/update: the instance with the id in
// the body becomes what the body describes. Where If-Match names another
// state, it answers 412.
func UpdateInstance(instances instance.Updater, now func() time.Time) httpjson.Handler {
	return func(r *http.Request, who auth.Principal) (httpjson.Answer, error) {
		_, members, err := httpjson.ReadObject(r)
		if err != nil {
			return httpjson.Answer{}, err
		}
		u, err := parseUpdate(members)
		if err != nil {
			return httpjson.Answer{}, err
		}
		key, err := Key(u.id)
		if err != nil {
			return httpjson.Answer{}, err
		}
		at := now()
		i, err := instances.Update(r.Context(), key, httpjson.Change(r, who, at, "replace"),
			httpjson.IfMatch(r, func(i instance.Instance) (instance.Instance, error) { return u.replace(i, at) }))
		if err != nil {
			return httpjson.Answer{}, err
		}
		return answerWith(i)
	}
}
