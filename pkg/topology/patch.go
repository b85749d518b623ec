package topology

import (
	"net/http"
	"time"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// PatchInstance answers PATCH /{Id}: what the body gives and is not null
// changes, and lists are appended to. Where If-Match names another state, it
// answers 412; without it, concurrent patches all take effect. A request with an
// Idempotency-Key can be repeated.
func PatchInstance(instances instance.Updater, now func() time.Time) httpjson.Handler {
	return func(r *http.Request, who auth.Principal) (httpjson.Answer, error) {
		key, err := keyOf(r)
		if err != nil {
			return httpjson.Answer{}, err
		}
		_, members, err := httpjson.ReadObject(r)
		if err != nil {
			return httpjson.Answer{}, err
		}
		f := httpjson.NewFields(members)
		in := parse(f)
		if err := f.Err(); err != nil {
			return httpjson.Answer{}, err
		}
		op := httpjson.Operation{Change: httpjson.Change(r, who, now(), "patch"), Route: "PATCH " + onePath, Resource: key.ID, Members: members}
		return update(r, instances, key, op, in.patch)
	}
}
