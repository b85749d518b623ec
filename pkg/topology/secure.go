package topology

import (
	"net/http"

	"instances/pkg/httpjson"
)

// The permissions of this dialect.
const (
	// ReadPermission allows to get and search instances, and to read
	// their history.
	ReadPermission = "topology:read"
	// WritePermission allows to create, replace, patch and delete
	// instances.
	WritePermission = "topology:write"
)

// Secure returns a handler that lets only requests through to next whose key
// has the permission. The others are answered 401 or 403.
func Secure(keys httpjson.Authorizer, permission string, next http.Handler) http.Handler {
	return httpjson.Secure(keys, permission, next, fail)
}
