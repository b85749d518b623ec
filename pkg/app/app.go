package app

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"instances/pkg/auth"
	"instances/pkg/cleanup"
	"instances/pkg/compute"
	"instances/pkg/execution"
	"instances/pkg/lambdahttp"
	"instances/pkg/topology"
)

// Repository is what the functions need of a repository, all together. Each
// handler says in its own file what it takes of it.
type Repository interface {
	topology.Getter
	topology.Searcher
	topology.Numberer
	topology.Creator
	topology.Updater
	topology.Deleter
	topology.HistoryReader

	compute.Getter
	compute.Searcher
	compute.Creator
	compute.Updater
	compute.Deleter
	compute.Toucher
	compute.Catalogue

	execution.Getter
	execution.Searcher
	execution.Creator
	execution.Updater
	execution.Deleter

	cleanup.Repository
}

// Dependencies is what functions are made of. All fields but AllowOrigin are
// required.
type Dependencies struct {
	Repository Repository
	// Keys tells who makes a request.
	Keys *auth.Authenticator
	// Now is the clock.
	Now func() time.Time
	// Logger gets a line per request, and what went wrong.
	Logger *slog.Logger
	// AllowOrigin is the origin whose pages may read the answers, or "*";
	// empty for none.
	AllowOrigin string
	// SilentAfter is how long a started compute instance may be silent before
	// it counts as not available.
	SilentAfter time.Duration
	// Cleanup is for the function of this name.
	Cleanup CleanupSettings
}

// Function makes the handler of one function, as Lambda runs it: it takes an
// event and returns an answer, both as JSON, and is safe for concurrent use.
type Function func(Dependencies) lambda.Handler

// Serve returns h as a function behind the API: its events are requests of a
// REST API.
func Serve(d Dependencies, h http.Handler) lambda.Handler {
	return lambdahttp.New(h, lambdahttp.Options{
		Logger: d.Logger,
		Now:    d.Now,
		Header: corsHeader(d.AllowOrigin),
	})
}

// corsHeader returns the headers that let the pages of origin read an answer.
func corsHeader(origin string) http.Header {
	h := http.Header{}
	if origin == "" {
		return h
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", "ETag, Location, Link, Retry-After, X-Request-Id")
	if origin != "*" {
		h.Set("Vary", "Origin")
	}
	return h
}
