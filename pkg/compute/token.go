package compute

import (
	"context"
	"errors"
	"net/http"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
)

// Authenticator tells who a name and a secret belong to.
type Authenticator interface {
	// Login returns the principal, or [auth.ErrUnauthenticated].
	Login(ctx context.Context, name, secret string) (auth.Principal, error)
}

// token is the answer to a login.
type token struct {
	Token string `json:"token"`
}

// IssueToken answers POST /api/v1/api-token-auth/: for the name of a key as
// username and its secret as password it answers the token that requests
// carry, which is the secret.
func IssueToken(keys Authenticator) http.Handler {
	return httpjson.Handle(func(w http.ResponseWriter, r *http.Request) error {
		_, members, err := httpjson.ReadForm(r)
		if err != nil {
			return err
		}
		f := newForm(members)
		f.require("username", "password")
		username, password := f.text("username", maxName), f.text("password", maxName)
		if err := f.Err(); err != nil {
			return err
		}
		_, err = keys.Login(r.Context(), *username, *password)
		if errors.Is(err, auth.ErrUnauthenticated) {
			f.Reject("non_field_errors", "Unable to log in with provided credentials.")
			return f.Err()
		}
		if err != nil {
			return err
		}
		// No cache on the way may keep a secret.
		w.Header().Set("Cache-Control", "no-store")
		return write(w, http.StatusOK, token{*password})
	}, fail)
}
