package compute

import (
	"net/http"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// UpdateInstance answers PUT {uuid}/: the instance becomes what the body
// describes. Whether it is started, and its images, are no part of that.
func UpdateInstance(instances instance.Updater, gpus instance.DocumentReader, s Settings) httpjson.Handler {
	return func(r *http.Request, who auth.Principal) (httpjson.Answer, error) {
		whole, err := readWhole(r, gpus)
		if err != nil {
			return httpjson.Answer{}, err
		}
		return s.update(r, who, instances, "replace", func(i instance.Instance) (instance.Instance, error) {
			a, err := decodeAttributes(i)
			if err != nil {
				return instance.Instance{}, err
			}
			return whole.replace(i, a)
		})
	}
}

// update changes the instance that the path of r names with modify, and answers
// with it. Where If-Match names another state, it fails with 412.
func (s Settings) update(r *http.Request, who auth.Principal, instances instance.Updater, operation string,
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
	return s.answerWritten(http.StatusOK, i)
}
