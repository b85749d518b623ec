package execution

import (
	"net/http"
	"strings"

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
// permission, and answers the others with 401 or 403. To the later description
// the whole Authorization header is the key, and so clients generated from it
// send the secret without a scheme.
func Secure(keys *auth.Authenticator, permission string, serve httpjson.Handler) http.Handler {
	secured := failures().Secure(keys, permission, serve)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if sent := r.Header.Values("Authorization"); len(sent) == 1 && len(strings.Fields(sent[0])) == 1 {
			r = r.WithContext(r.Context())
			r.Header = r.Header.Clone()
			r.Header.Set("Authorization", "ApiKey "+strings.TrimSpace(sent[0]))
		}
		secured.ServeHTTP(w, r)
	})
}
