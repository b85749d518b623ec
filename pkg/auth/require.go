package auth

import (
	"context"
	"net/http"
)

type principalKey struct{}

// Authorize returns r with its principal, for [PrincipalFrom], if the key has
// the permission. Its errors are those of [Authenticator.Authenticate] and
// [ErrForbidden].
func (a *Authenticator) Authorize(r *http.Request, permission string) (*http.Request, error) {
	p, err := a.Authenticate(r.Context(), r.Header)
	if err != nil {
		return nil, err
	}
	if !p.May(permission) {
		return nil, ErrForbidden
	}
	return r.WithContext(context.WithValue(r.Context(), principalKey{}, p)), nil
}

// PrincipalFrom returns who makes the request that ctx belongs to. It returns
// [ErrUnauthenticated] where nobody was authorized.
func PrincipalFrom(ctx context.Context) (Principal, error) {
	p, ok := ctx.Value(principalKey{}).(Principal)
	if !ok {
		return Principal{}, ErrUnauthenticated
	}
	return p, nil
}
