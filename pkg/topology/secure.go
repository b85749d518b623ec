package topology

import (
	"net/http"

	"instances/pkg/httpjson"
)

// The permissions of this dialect.
const (
	// ReadPermission allows to get and search instances.
	ReadPermission = "topology:read"
	// WritePermission allows to create, replace and patch instances.
	WritePermission = "topology:write"
)

// Authorizer tells who makes a request.
type Authorizer interface {
	// Authorize returns the request with its principal, or an error that is
	// auth.ErrUnauthenticated or auth.ErrForbidden or a fault.
	Authorize(r *http.Request, permission string) (*http.Request, error)
}

// Secure returns a handler that lets only requests through to next whose key
// has the permission. The others are answered 401 or 403.
func Secure(keys Authorizer, permission string, next http.Handler) http.Handler {
	return httpjson.Handle(func(w http.ResponseWriter, r *http.Request) error {
		authorized, err := keys.Authorize(r, permission)
		if err != nil {
			return err
		}
		next.ServeHTTP(w, authorized)
		return nil
	}, fail)
}
