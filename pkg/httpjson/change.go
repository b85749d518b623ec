package httpjson

import (
	"net/http"
	"time"

	"instances/pkg/auth"
	"instances/pkg/instance"
)

// Change returns the change that r makes, for who.
func Change(r *http.Request, who auth.Principal, at time.Time, operation string) instance.Change {
	return instance.Change{
		By:        who.Name,
		Owner:     who.Owner,
		At:        at,
		RequestID: CallFrom(r.Context()).RequestID,
		Operation: operation,
	}
}
