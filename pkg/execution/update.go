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
// state, it answers 412. A request with an Idempotency-Key can be repeated.
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
		op := httpjson.Operation{
			Change: httpjson.Change(r, who, at, "replace"), Route: "POST " + BasePath + "/update", Resource: key.ID, Members: members,
		}
		modify := func(i instance.Instance) (instance.Instance, error) { return u.replace(i, at) }
		return httpjson.Once(r, op, answerWith, func(record *instance.Idempotency) (instance.Instance, error) {
			return instances.Update(r.Context(), key, op.Change, record, httpjson.IfMatch(r, modify))
		})
	}
}
