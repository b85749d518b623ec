package compute

import (
	"net/http"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// UpdateInstance answers PUT {uuid}/: the instance becomes what the body
// describes. Whether it is started, and its images, do not change.
func UpdateInstance(instances instance.Updater, gpus instance.DocumentReader, s Settings) httpjson.Handler {
	return func(r *http.Request, who auth.Principal) (httpjson.Answer, error) {
		_, in, err := readInstance(r, gpus)
		if err != nil {
			return httpjson.Answer{}, err
		}
		return update(r, who, instances, s, "replace", in.replace)
	}
}

// update changes the instance that the path of r names with modify, and answers
// with it. Where If-Match names another state, it fails with 412.
func update(r *http.Request, who auth.Principal, instances instance.Updater, s Settings, operation string,
	modify func(instance.Instance) (instance.Instance, error),
) (httpjson.Answer, error) {
	key, err := keyOf(r, who)
	if err != nil {
		return httpjson.Answer{}, err
	}
	i, err := instances.Update(r.Context(), key, httpjson.Change(r, who, s.Now(), operation), httpjson.IfMatch(r, modify))
	if err != nil {
		return httpjson.Answer{}, err
	}
	return answerWritten(http.StatusOK, i, s.encoder())
}
