package compute

import (
	"net/http"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// PatchInstance answers PATCH {uuid}/: what the body gives changes.
func PatchInstance(instances instance.Updater, gpus instance.DocumentReader, s Settings) httpjson.Handler {
	return func(r *http.Request, who auth.Principal) (httpjson.Answer, error) {
		_, members, err := httpjson.ReadForm(r)
		if err != nil {
			return httpjson.Answer{}, err
		}
		f := newForm(members)
		in := parse(f)
		gpu, err := in.findGPU(r.Context(), f, gpus)
		if err != nil {
			return httpjson.Answer{}, err
		}
		if err := f.Err(); err != nil {
			return httpjson.Answer{}, err
		}
		return s.update(r, who, instances, "patch", func(i instance.Instance) (instance.Instance, error) {
			return in.patch(i, gpu)
		})
	}
}
