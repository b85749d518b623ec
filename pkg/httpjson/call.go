package httpjson

import (
	"context"
	"net/http"
)

// Call holds what the gateway knows about a request and net/http does not.
type Call struct {
	// RequestID is the id that the gateway gave to the request.
	RequestID string
	// Path is the path as the client sent it, still escaped, with the stage
	// or the base path of a custom domain in front.
	Path string
}

type callKey struct{}

// WithCall returns a context for [CallFrom].
func WithCall(ctx context.Context, c Call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// CallFrom returns the call that ctx belongs to, or the zero value.
func CallFrom(ctx context.Context) Call {
	c, _ := ctx.Value(callKey{}).(Call)
	return c
}

// PublicPath returns the path of r as its client sent it; see [Call.Path].
func PublicPath(r *http.Request) string {
	if path := CallFrom(r.Context()).Path; path != "" {
		return path
	}
	return r.URL.EscapedPath()
}
