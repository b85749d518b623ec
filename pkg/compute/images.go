package compute

import (
	"net/http"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// image is a downloaded image in answers.
type image struct {
	RegistryPath string `json:"registry_path"`
}

// ListImages answers GET /api/v1/images/?instance={uuid} with the downloaded
// images of that instance.
func ListImages(instances instance.Getter) httpjson.Handler {
	return func(r *http.Request, who auth.Principal) (httpjson.Answer, error) {
		given, err := httpjson.Parameters(r, "instance")
		if err != nil {
			return httpjson.Answer{}, err
		}
		if given["instance"] == "" {
			return httpjson.Answer{}, httpjson.BadField("instance", msgRequired)
		}
		key, err := Key(who.Owner, given["instance"])
		if err != nil {
			return httpjson.Answer{}, err
		}
		i, err := instances.Get(r.Context(), key)
		if err != nil {
			return httpjson.Answer{}, err
		}
		a, err := decodeAttributes(i)
		if err != nil {
			return httpjson.Answer{}, err
		}
		images := make([]image, 0, len(a.DownloadedImages))
		for _, path := range a.DownloadedImages {
			images = append(images, image{path})
		}
		return httpjson.NewAnswer(http.StatusOK, images)
	}
}
