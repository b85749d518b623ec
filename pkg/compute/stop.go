package compute

import (
	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
	"net/http"
)

// StopInstance answers PATCH {uuid}/stop/: the instance is not available from
// now on. A body is ignored.
func StopInstance(instances instance.Updater, s Settings) httpjson.Handler {
	return func(r *http.Request, who auth.Principal) (httpjson.Answer, error) {
		return s.update(r, who, instances, "stop", func(i instance.Instance) (instance.Instance, error) {
			i.Status = ""
			return i, nil
		})
	}
}
