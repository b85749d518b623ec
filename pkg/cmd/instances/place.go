package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go/logging"

	"instances/pkg/app"
	"instances/pkg/auth"
	"instances/pkg/cmd/instances/internal/relay"
	"instances/pkg/repository/bolt"
	"instances/pkg/repository/dynamo"
)

const (
	// databaseName is the name of the embedded database in its data folder.
	databaseName = "instances.db"
	// credentialsTimeout is how long it may take to find the credentials of a
	// table: a program that finds them may ask a person.
	credentialsTimeout = 2 * time.Minute
	// tableTimeout bounds the work of a command on a table, so that its
	// retries end.
	tableTimeout = 15 * time.Second
	// longTimeout does so for the commands that read as much as there is.
	longTimeout = 5 * time.Minute
	// cleanupTimeout does so for a cleanup, which leaves the rest to the next
	// one. A person ends it sooner with Ctrl-C.
	cleanupTimeout = 6 * time.Hour
	// transferTimeout does so for an export and an import. They can be
	// interrupted, and go on.
	transferTimeout = 24 * time.Hour
	// A data folder that another process holds without serving it is tried
	// lockAttempts times, each for lockTimeout: commands are short.
	lockAttempts = 40
	lockTimeout  = 250 * time.Millisecond
)

// repository is what the commands work on.
type repository = app.OperatorRepository

// registry is an open repository, and who may use it.
type registry struct {
	repository
	keys *auth.Authenticator
}

func newRegistry(r repository, now func() time.Time) *registry {
	return &registry{r, auth.NewAuthenticator(r, now)}
}

// place is where a command finds its registry: in a data folder or in a
// DynamoDB table.
type place struct {
	data, table, region, endpoint string
	// create makes a data folder that does not exist.
	create bool
	// retention is how long history is kept; 0 means for ever.
	retention time.Duration
	// timeout bounds the work on a table; 0 means [tableTimeout].
	timeout time.Duration
}

// flags adds the flags that choose a place.
func (p *place) flags(c *call) {
	c.flags.StringVar(&p.data, "data", ".data", "work on the embedded database in `DIR`, also while serve has it open")
	c.flags.StringVar(&p.table, "table", "", "work on the DynamoDB table `NAME` instead, with the usual AWS credentials")
	c.flags.StringVar(&p.region, "region", "", "`REGION` of the table (default as every AWS tool finds it)")
	c.flags.StringVar(&p.endpoint, "endpoint", "", "`URL` of DynamoDB, such as that of DynamoDB Local")
}

// check reports a place that is none.
func (p *place) check(c *call) error {
	switch {
	case c.given("data") && c.given("table"):
		return misused("--data and --table exclude each other: one is a folder, the other a DynamoDB table")
	case c.given("table") && p.table == "":
		return misused("--table is empty: give the name of the table")
	case p.data == "":
		return misused("--data is empty: give a folder")
	case p.table == "" && c.given("region"):
		return misused("--region needs --table")
	case p.table == "" && c.given("endpoint"):
		return misused("--endpoint needs --table")
	}
	return nil
}

// with opens the registry for do. Where another process serves the data
// folder, the whole command runs there instead, and do does so here never:
// nothing may be read or printed before.
func (p *place) with(ctx context.Context, c *call, do func(context.Context, *registry) error) error {
	switch {
	case c.serving != nil:
		return do(ctx, c.serving)
	case p.table != "":
		return p.withTable(ctx, c, do)
	}
	return p.withFolder(ctx, c, do)
}

func (p *place) withTable(ctx context.Context, c *call, do func(context.Context, *registry) error) error {
	client, err := p.client(ctx)
	if err != nil {
		return err
	}
	r := dynamo.New(dynamo.Config{Client: client, Table: p.table, Now: c.now, HistoryRetention: p.retention})
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(p.timeout, tableTimeout))
	defer cancel()
	err = do(ctx, newRegistry(r, c.now))
	var missing *types.ResourceNotFoundException
	if errors.As(err, &missing) {
		return fmt.Errorf("there is no table %s in %s for these credentials: check --table, --region and the profile",
			p.table, client.Options().Region)
	}
	return err
}

// client returns a client for the table, with the credentials and the region
// that every AWS tool would take.
func (p *place) client(ctx context.Context) (*dynamodb.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, credentialsTimeout)
	defer cancel()
	loaded, err := config.LoadDefaultConfig(ctx, config.WithHTTPClient(
		// An import keeps more connections busy than a client keeps by default.
		awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.MaxIdleConnsPerHost = tableWriters }),
	))
	if err != nil {
		return nil, fmt.Errorf("read the AWS configuration: %w", err)
	}
	if p.region != "" {
		loaded.Region = p.region
	}
	if loaded.Region == "" {
		return nil, errors.New("the AWS region is not known: give it with --region, AWS_REGION or a profile")
	}
	// They are found now, so that this does not count as time of the first call.
	if _, err := loaded.Credentials.Retrieve(ctx); err != nil {
		return nil, fmt.Errorf("find the AWS credentials: %w", err)
	}
	return dynamodb.NewFromConfig(loaded, func(o *dynamodb.Options) {
		// It would complain of calls that are interrupted.
		o.Logger = logging.Nop{}
		if p.endpoint != "" {
			o.BaseEndpoint = &p.endpoint
		}
	}), nil
}

func (p *place) withFolder(ctx context.Context, c *call, do func(context.Context, *registry) error) error {
	return p.withDatabase(ctx, c, func(database string) error {
		r, err := bolt.Open(database, bolt.Options{
			Now: c.now, HistoryRetention: p.retention, LockTimeout: lockTimeout,
		})
		if err != nil {
			return withAdvice(err, database)
		}
		return errors.Join(do(ctx, newRegistry(r, c.now)), r.Close())
	})
}

// withDatabase runs the command where the data folder is served, or else do
// with the path of the database.
func (p *place) withDatabase(ctx context.Context, c *call, do func(database string) error) error {
	dir := c.path(p.data)
	database := filepath.Join(dir, databaseName)
	if p.create {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make the data folder: %w", err)
		}
	} else if _, err := os.Stat(database); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no registry in %s: start one with instances serve, or choose another folder with --data", dir)
	}
	request := relay.Request{Version: version(), Args: c.line, Dir: c.dir, Terminal: c.terminal}
	for range lockAttempts {
		code, err := relay.Call(ctx, dir, request, c.stdin, c.stdout, c.stderr)
		if err == nil && code != exitOK {
			return exitError(code)
		}
		if !errors.Is(err, relay.ErrNotServed) {
			return err
		}
		if err := do(database); !errors.Is(err, bolt.ErrLocked) || ctx.Err() != nil {
			return err
		}
	}
	return fmt.Errorf("another process has the data folder %s open: wait for it, or end it", dir)
}

// withAdvice adds to the error of a database that is damaged what to do.
func withAdvice(err error, database string) error {
	if !errors.Is(err, bolt.ErrDamaged) {
		return err
	}
	return fmt.Errorf("%w. Stop what uses it, keep the file, and copy a backup over %s; instances check says more", err, database)
}
