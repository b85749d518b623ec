package httpjson

import (
	"net/http"
	"time"

	"instances/pkg/auth"
	"instances/pkg/instance"
)

// Authorizer tells who makes a request.
type Authorizer interface {
	// Authorize returns the request with its principal, or an error that is
	// [auth.ErrUnauthenticated] or [auth.ErrForbidden] or a fault.
	Authorize(r *http.Request, permission string) (*http.Request, error)
}

// Secure returns a handler that lets only requests through to next whose key
// has the permission. The others are answered with fail.
func Secure(keys Authorizer, permission string, next http.Handler, fail ErrorFunc) http.Handler {
	return Handle(func(w http.ResponseWriter, r *http.Request) error {
		authorized, err := keys.Authorize(r, permission)
		if err != nil {
			return err
		}
		next.ServeHTTP(w, authorized)
		return nil
	}, fail)
}

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
