package topology

import (
	"net/http"
	"time"

	"instances/pkg/httpjson"
)

// PatchInstance answers PATCH /{Id}: what the body gives and is not null
// changes, and lists are appended to. Where If-Match names another state, it
// answers 412; without it, concurrent patches all take effect.
func PatchInstance(instances Updater, now func() time.Time) http.Handler {
	return httpjson.Handle(func(w http.ResponseWriter, r *http.Request) error {
		key, err := keyOf(r)
		if err != nil {
			return err
		}
		_, members, err := httpjson.ReadObject(r)
		if err != nil {
			return err
		}
		f := httpjson.NewFields(members)
		in := parse(f, "pluginOperations", "plugins")
		if err := f.Err(); err != nil {
			return err
		}
		return update(w, r, instances, key, now(), "patch", in.patch)
	}, fail)
}
