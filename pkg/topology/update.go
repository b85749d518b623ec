package topology

import (
	"net/http"
	"time"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// UpdateInstance answers PUT /{Id}: the instance becomes what the body
// describes. Where If-Match names another state, it answers 412. A request with an
// Idempotency-Key can be repeated.
func UpdateInstance(instances instance.Updater, now func() time.Time) httpjson.Handler {
	return func(r *http.Request, who auth.Principal) (httpjson.Answer, error) {
		key, err := keyOf(r)
		if err != nil {
			return httpjson.Answer{}, err
		}
		_, members, err := httpjson.ReadObject(r)
		if err != nil {
			return httpjson.Answer{}, err
		}
		in, err := parseInstance(members)
		if err != nil {
			return httpjson.Answer{}, err
		}
		op := httpjson.Operation{Change: httpjson.Change(r, who, now(), "replace"), Route: "PUT " + onePath, Resource: key.ID, Members: members}
		return update(r, instances, key, op, in.replace)
	}
}

// update changes an instance with modify and answers with it.
func update(r *http.Request, instances instance.Updater, key instance.Key, op httpjson.Operation,
	modify func(instance.Instance) (instance.Instance, error),
) (httpjson.Answer, error) {
	answer := func(i instance.Instance) (httpjson.Answer, error) { return answerWith(http.StatusOK, i) }
	return httpjson.Once(r, op, answer, func(record *instance.Idempotency) (instance.Instance, error) {
		return instances.Update(r.Context(), key, op.Change, record, httpjson.IfMatch(r, modify))
	})
}
