package compute

import (
	"net/http"
	"time"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// touchAfter is the minimum interval between recorded heartbeats. Agents poll
// every few seconds.
const touchAfter = time.Minute

// GetJobs answers GET {uuid}/get-jobs/ with an empty list: jobs are not part of
// this product. Agents poll it, which serves as a heartbeat.
func GetJobs(instances instance.Getter, heartbeats instance.Toucher, s Settings) httpjson.Handler {
	return func(r *http.Request, who auth.Principal) (httpjson.Answer, error) {
		key, err := keyOf(r, who)
		if err != nil {
			return httpjson.Answer{}, err
		}
		i, err := instances.Get(r.Context(), key)
		if err != nil {
			return httpjson.Answer{}, err
		}
		// A time in the future comes from a clock that was ahead.
		if now := s.Now(); now.Sub(i.LastSeenAt).Abs() >= touchAfter {
			if err := heartbeats.Touch(r.Context(), key, now); err != nil {
				return httpjson.Answer{}, err
			}
		}
		return httpjson.NewAnswer(http.StatusOK, []string{})
	}
}
