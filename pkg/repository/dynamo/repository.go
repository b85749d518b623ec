package dynamo

import (
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
)

// Config is what a [Repository] needs.
type Config struct {
	// Client reaches DynamoDB. Its retryer is not used.
	Client *dynamodb.Client
	// Table is the name of the table.
	Table string
	// Now is the clock by which records expire; nil means [time.Now].
	Now func() time.Time
	// HistoryRetention is how long a history record is kept; 0 means forever.
	HistoryRetention time.Duration
	// IndexedNames says that a search by a part of a name uses the table's name
	// rows if they are complete. Writes keep the rows in any case, as long as the
	// table has them.
	IndexedNames bool
	// Logger gets a debug record for each call and a warning for each one that
	// DynamoDB throttled; nil means no logs.
	Logger *slog.Logger
}

// Repository keeps instances and credentials in a DynamoDB table. It is safe
// for concurrent use, by any number of processes.
type Repository struct {
	client    *dynamodb.Client
	table     string
	now       func() time.Time
	retention time.Duration
	logger    *slog.Logger
	// indexedNames is Config.IndexedNames.
	indexedNames bool
	directory    *directory
	known        *layoutMemory
}

// New returns a repository. It does not connect yet.
func New(c Config) *Repository {
	r := &Repository{
		client: c.Client, table: c.Table, now: c.Now, retention: c.HistoryRetention,
		logger: c.Logger, directory: newDirectory(), known: &layoutMemory{turn: make(chan struct{}, 1)},
		indexedNames: c.IndexedNames,
	}
	if r.now == nil {
		r.now = time.Now
	}
	if r.logger == nil {
		r.logger = slog.New(slog.DiscardHandler)
	}
	return r
}

// once switches off the client's own retries. The client knows neither conflicts
// of transactions nor what a write that failed may have done.
func once(o *dynamodb.Options) { o.Retryer = aws.NopRetryer{} }
