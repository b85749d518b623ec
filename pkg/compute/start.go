package compute

import (
	"net/http"
	"time"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// StartInstance answers PATCH {uuid}/start/: the instance is available from
// now on, as long as it sends heartbeats. A body is ignored.
func StartInstance(instances instance.Updater, s Settings) httpjson.Handler {
	return func(r *http.Request, who auth.Principal) (httpjson.Answer, error) {
		at := s.Now().UTC().Truncate(time.Millisecond)
		op := httpjson.Operation{Change: httpjson.Change(r, who, at, "start"), Route: "PATCH " + onePath + "/start"}
		return update(r, who, instances, s, op, func(i instance.Instance) (instance.Instance, error) {
			a, err := decodeAttributes(i)
			if err != nil {
				return instance.Instance{}, err
			}
			i.Status, a.StartedAt, i.IdleSince = started, at.UnixMilli(), at
			return withAttributes(i, a)
		})
	}
}
