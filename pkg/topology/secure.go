package topology

import (
	"net/http"

	"instances/pkg/auth"
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

// Secure returns a handler that calls serve for requests whose key has the
// permission, and answers the others with 401 or 403.
func Secure(keys *auth.Authenticator, permission string, serve httpjson.Handler) http.Handler {
	return failures().Secure(keys, permission, serve)
}
