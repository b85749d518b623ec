package compute

import (
	"errors"
	"net/http"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
)

// token is the answer to a login.
type token struct {
	Token string `json:"token"`
}

// IssueToken answers POST /api/v1/api-token-auth/: for the name of a key as
// username and its secret as password it answers the token that requests
// carry, which is the secret.
func IssueToken(keys *auth.Authenticator) httpjson.Handler {
	return func(r *http.Request, _ auth.Principal) (httpjson.Answer, error) {
		_, members, err := httpjson.ReadForm(r)
		if err != nil {
			return httpjson.Answer{}, err
		}
		f := newFields(members, "username", "password")
		username, password := f.text("username", maxName), f.text("password", maxName)
		if err := f.Err(); err != nil {
			return httpjson.Answer{}, err
		}
		_, err = keys.Login(r.Context(), *username, *password)
		if errors.Is(err, auth.ErrUnauthenticated) {
			return httpjson.Answer{}, httpjson.BadField("non_field_errors", "Unable to log in with provided credentials.")
		}
		if err != nil {
			return httpjson.Answer{}, err
		}
		answer, err := httpjson.NewAnswer(http.StatusOK, token{*password})
		// No cache on the way may keep a secret.
		answer.Header = http.Header{"Cache-Control": {"no-store"}}
		return answer, err
	}
}
