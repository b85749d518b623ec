package app

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"instances/pkg/app/function"
	"instances/pkg/auth"
	"instances/pkg/instance"
	"instances/pkg/lambdahttp"
)

// Repository is everything that a repository does for functions and for their
// keys. Each handler takes the part that it needs.
type Repository interface {
	instance.Getter
	instance.Searcher
	instance.Numberer
	instance.NumberReserver
	instance.Creator
	instance.Replacer
	instance.Updater
	instance.Deleter
	instance.Repeater
	instance.Toucher
	instance.HistoryReader

	instance.TrashReader
	instance.Restorer
	instance.Purger
	instance.IdleReader
	instance.Tidier

	instance.DocumentReader
	instance.DocumentWriter

	auth.CredentialGetter
	auth.CredentialCreator
	auth.CredentialLister
	auth.CredentialRevoker
	auth.CredentialPurger
}

// OperatorRepository is everything that a repository does. It has what no
// function may do: read all there is, which scans the table.
type OperatorRepository interface {
	Repository
	instance.Walker
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
	return lambdahttp.New(h, options(d))
}

// Stream returns what [Serve] does, as a [lambdahttp.Streamer].
func Stream(d Dependencies, h http.Handler) lambda.Handler {
	return lambdahttp.NewStream(h, options(d))
}

func options(d Dependencies) lambdahttp.Options {
	return lambdahttp.Options{Logger: d.Logger, Now: d.Now, Header: function.Header(d.AllowOrigin)}
}
