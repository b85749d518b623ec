package execution

import (
	"net/http"

	"instances/pkg/httpjson"
)

// The permissions of this dialect.
const (
	// ReadPermission allows to get and list instances.
	ReadPermission = "execution:read"
	// WritePermission allows to create, update and delete instances.
	WritePermission = "execution:write"
)

// Secure returns a handler that lets only requests through to next whose key
// has the permission. The others are answered 401 or 403.
func Secure(keys httpjson.Authorizer, permission string, next http.Handler) http.Handler {
	return httpjson.Secure(keys, permission, next, fail)
}
