package compute

import (
	"net/http"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
)

// The permissions of this dialect.
const (
	// ReadPermission allows to get and list instances, images and GPUs.
	ReadPermission = "compute:read"
	// WritePermission allows to change instances, and to poll for jobs.
	WritePermission = "compute:write"
)

// Secure returns a handler that calls serve for requests whose key has the
// permission, and answers the others with 401 or 403.
func Secure(keys *auth.Authenticator, permission string, serve httpjson.Handler) http.Handler {
	return failures().Secure(keys, permission, serve)
}

// Open returns a handler that calls serve for requests with and without
// credentials.
func Open(serve httpjson.Handler) http.Handler { return failures().Open(serve) }
