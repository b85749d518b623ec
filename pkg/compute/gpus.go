package compute

import (
	"net/http"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// ListGPUs answers GET /api/v1/gpus/ with the catalogue.
func ListGPUs(gpus instance.DocumentReader) httpjson.Handler {
	return func(r *http.Request, _ auth.Principal) (httpjson.Answer, error) {
		if _, err := httpjson.Parameters(r); err != nil {
			return httpjson.Answer{}, err
		}
		list, err := loadGPUs(r.Context(), gpus)
		if err != nil {
			return httpjson.Answer{}, err
		}
		return httpjson.NewAnswer(http.StatusOK, list)
	}
}
