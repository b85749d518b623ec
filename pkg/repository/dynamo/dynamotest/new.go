package dynamotest

import (
	"log/slog"
	"net/http"
	"testing"
	"time"

	"instances/pkg/repository/dynamo"
	"instances/pkg/template"
)

// Options is how a test wants its repository. The zero value is one that
// keeps the time itself and its history forever.
type Options struct {
	Now              func() time.Time
	HistoryRetention time.Duration
	Logger           *slog.Logger
	// Transport makes the transport of the client from the usual one, for
	// faults to be injected; nil means the usual one.
	Transport func(http.RoundTripper) http.RoundTripper
	// Template is [Template], where the test has read it already.
	Template *template.Template
}

// New returns a repository on a table of its own.
func New(t testing.TB, o Options) *dynamo.Repository {
	t.Helper()
	if o.Template == nil {
		o.Template = Template(t)
	}
	table := NewTableOf(t, o.Template)
	return dynamo.New(dynamo.Config{
		Client: table.Client(o.Transport), Table: table.Name,
		Now: o.Now, HistoryRetention: o.HistoryRetention, Logger: o.Logger,
	})
}
