package compute

import (
	"net/http"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// UpdateInstance answers PUT {uuid}/: the instance becomes what the body
// describes. Whether it is started, and its images, do not change.
func UpdateInstance(instances instance.Updater, requests instance.Repeater, gpus instance.DocumentReader, s Settings) httpjson.Handler {
	return func(r *http.Request, who auth.Principal) (httpjson.Answer, error) {
		_, members, err := httpjson.ReadForm(r)
		if err != nil {
			return httpjson.Answer{}, err
		}
		op := httpjson.Operation{Change: httpjson.Change(r, who, s.Now(), "replace"), Route: "PUT " + onePath, Members: members}
		in, err := parseInstance(r.Context(), members, gpus)
		if err != nil {
			return refuse(r, who, requests, op, err)
		}
		return update(r, who, instances, s, op, in.replace)
	}
}

// update changes the instance that the path of r names with modify, and answers
// with it. Where If-Match names another state, it fails with 412. A request with an
// Idempotency-Key can be repeated. The resource of op is set here.
func update(r *http.Request, who auth.Principal, instances instance.Updater, s Settings, op httpjson.Operation,
	modify func(instance.Instance) (instance.Instance, error),
) (httpjson.Answer, error) {
	key, err := keyOf(r, who)
	if err != nil {
		return httpjson.Answer{}, err
	}
	op.Resource = key.ID
	e := s.encoder()
	answer := func(i instance.Instance) (httpjson.Answer, error) { return answerWritten(http.StatusOK, i, e) }
	return httpjson.Once(r, op, answer, func(record *instance.Idempotency) (instance.Instance, error) {
		return instances.Update(r.Context(), key, op.Change, record, httpjson.IfMatch(r, modify))
	})
}

// refuse answers a request whose body is refused: with that reason, unless the
// request was made before, with a GPU that has left the catalogue since. The resource
// of op is set here.
func refuse(r *http.Request, who auth.Principal, requests instance.Repeater, op httpjson.Operation, reason error) (httpjson.Answer, error) {
	if key, err := keyOf(r, who); err == nil {
		op.Resource = key.ID
	}
	return httpjson.Once(r, op, nil, func(record *instance.Idempotency) (instance.Instance, error) {
		if record != nil {
			if err := requests.Recorded(r.Context(), *record); err != nil {
				return instance.Instance{}, err
			}
		}
		return instance.Instance{}, reason
	})
}
