package compute

import (
	"net/http"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// StopInstance answers PATCH {uuid}/stop/: the instance is not available from
// now on. A body is ignored.
func StopInstance(instances instance.Updater, s Settings) httpjson.Handler {
	return func(r *http.Request, who auth.Principal) (httpjson.Answer, error) {
		op := httpjson.Operation{Change: httpjson.Change(r, who, s.Now(), "stop"), Route: "PATCH " + onePath + "/stop"}
		return update(r, who, instances, s, op, func(i instance.Instance) (instance.Instance, error) {
			i.Status = ""
			return i, nil
		})
	}
}
