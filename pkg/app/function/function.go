// Package function is what the processes of all functions have in common,
// whatever they do: the logger, the headers of every answer, and how they run in
// Lambda. It knows no repository, so that a function that needs none does not
// link one.
package function

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"instances/pkg/lambdahttp"
)

// AllowOriginVariable is the variable of the environment that holds the origin of
// [Header].
const AllowOriginVariable = "CORS_ALLOW_ORIGIN"

// Header returns the headers of every answer. They let the pages of origin read
// it, or those of every origin if that is "*", and none if it is empty. They keep
// caches from giving a compressed answer, which the gateway or a list may be, to a
// client that asked for none.
func Header(origin string) http.Header {
	h := http.Header{"Vary": {"Accept-Encoding"}}
	if origin == "" {
		return h
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", "ETag, Location, Link, Retry-After, X-Request-Id")
	if origin != "*" {
		h.Add("Vary", "Origin")
	}
	return h
}

// Serve runs h in Lambda, as a function behind the API that needs nothing but its
// requests. It never returns.
func Serve(h http.Handler) {
	Run(lambdahttp.New(h, lambdahttp.Options{
		Logger: LambdaLogger(os.Stdout, os.Getenv),
		Header: Header(os.Getenv(AllowOriginVariable)),
	}), os.Getenv)
}

// Run runs h in Lambda; it never returns.
func Run(h lambda.Handler, getenv func(string) string) {
	lambda.StartWithOptions(runtimeForm(h, getenv))
}

// runtimeForm returns what the runtime takes: the function that streams where h
// does, except in SAM CLI, which cannot (aws/aws-sam-cli#6501, #9028).
func runtimeForm(h lambda.Handler, getenv func(string) string) any {
	s, ok := h.(lambdahttp.Streamer)
	if !ok || getenv("AWS_SAM_LOCAL") == "true" {
		return h
	}
	return func(ctx context.Context, event json.RawMessage) (io.Reader, error) { return s.Stream(ctx, event) }
}
