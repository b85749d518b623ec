package execution

import (
	"net/http"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
)

// The permissions of this dialect.
const (
	// ReadPermission allows to get and list instances.
	ReadPermission = "execution:read"
	// WritePermission allows to create, update and delete instances.
	WritePermission = "execution:write"
)

// Secure returns a handler that calls serve for requests whose key has the
// permission, and answers the others with 401 or 403.
func Secure(keys *auth.Authenticator, permission string, serve httpjson.Handler) http.Handler {
	return failures().Secure(keys, permission, serve)
}
