package compute

import (
	"net/http"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// PatchInstance answers PATCH {uuid}/: what the body gives changes.
func PatchInstance(instances instance.Updater, requests instance.Repeater, gpus instance.DocumentReader, s Settings) httpjson.Handler {
	return func(r *http.Request, who auth.Principal) (httpjson.Answer, error) {
		_, members, err := httpjson.ReadForm(r)
		if err != nil {
			return httpjson.Answer{}, err
		}
		op := httpjson.Operation{Change: httpjson.Change(r, who, s.Now(), "patch"), Route: "PATCH " + onePath, Members: members}
		in, err := parse(r.Context(), newFields(members), gpus)
		if err != nil {
			return refuse(r, who, requests, op, err)
		}
		return update(r, who, instances, s, op, in.patch)
	}
}
