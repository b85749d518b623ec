package httpjson

import "net/http"

// HandlerFunc is an HTTP handler that returns what went wrong instead of
// answering it. It must not have written anything when it returns an error.
type HandlerFunc func(w http.ResponseWriter, r *http.Request) error

// ErrorFunc answers a request that failed.
type ErrorFunc func(w http.ResponseWriter, r *http.Request, err error)

// Handle returns a handler that runs serve and answers its error with fail.
func Handle(serve HandlerFunc, fail ErrorFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := serve(w, r); err != nil {
			fail(w, r, err)
		}
	})
}
