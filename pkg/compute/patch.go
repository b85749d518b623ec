package compute

import (
	"net/http"

	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// PatchInstance answers PATCH {uuid}/: what the body gives changes.
func PatchInstance(instances Updater, gpus Catalogue, s Settings) http.Handler {
	return httpjson.Handle(func(w http.ResponseWriter, r *http.Request) error {
		_, members, err := httpjson.ReadForm(r)
		if err != nil {
			return err
		}
		f := newForm(members)
		in := parse(f)
		gpu, err := in.findGPU(r.Context(), f, gpus)
		if err != nil {
			return err
		}
		if err := f.Err(); err != nil {
			return err
		}
		return s.update(w, r, instances, "patch", func(i instance.Instance) (instance.Instance, error) {
			return in.patch(i, gpu)
		})
	}, fail)
}
