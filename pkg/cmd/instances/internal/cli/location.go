package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/spf13/cobra"

	"instances/pkg/cmd/instances/internal/relay"
	"instances/pkg/cmd/instances/internal/serving"
	"instances/pkg/cmd/instances/internal/store"
	"instances/pkg/instance"
	"instances/pkg/repository/bolt"
	"instances/pkg/repository/dynamo"
)

const (
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

// location is where a command finds its registry: in a data folder or in a
// DynamoDB table.
type location struct {
	data  string
	table store.Table
	// create makes a data folder that does not exist, and gives a table that holds
	// nothing its layout.
	create bool
	// retention is how long history is kept; 0 means forever.
	retention time.Duration
	// timeout bounds the work on a table; 0 means [tableTimeout].
	timeout time.Duration
}

// flags adds the flags that choose a location to c, which checks them before it
// runs.
func (l *location) flags(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&l.data, "data", ".data", "work on the embedded database in `DIR`, also while serve has it open")
	flags.StringVar(&l.table.Name, "table", "", "work on the DynamoDB table `NAME` instead, with the usual AWS credentials")
	flags.StringVar(&l.table.Region, "region", "", "`REGION` of the table (default that of the environment or the AWS profile)")
	flags.StringVar(&l.table.Endpoint, "endpoint", "", "`URL` of DynamoDB, such as that of DynamoDB Local")
	_ = c.MarkFlagDirname("data")
	c.PreRunE = func(*cobra.Command, []string) error {
		switch {
		case flags.Changed("data") && flags.Changed("table"):
			return misused("--data and --table exclude each other: one is a folder, the other a DynamoDB table")
		case flags.Changed("table") && l.table.Name == "":
			return misused("--table is empty: give the name of the table")
		case l.data == "":
			return misused("--data is empty: give a folder")
		case l.table.Name == "" && flags.Changed("region"):
			return misused("--region needs --table")
		case l.table.Name == "" && flags.Changed("endpoint"):
			return misused("--endpoint needs --table")
		}
		return nil
	}
}

// with opens the registry for do. Where another process serves the data
// folder, the whole command runs there instead, and do does so here never:
// nothing may be printed before, and what is read must be there again.
func (l *location) with(ctx context.Context, e *environment, do func(context.Context, *store.Registry) error) error {
	switch {
	case e.serving != nil:
		return do(ctx, e.serving)
	case l.table.Name != "":
		return l.withTable(ctx, e, do)
	}
	return l.withFolder(ctx, e, do)
}

func (l *location) withTable(ctx context.Context, e *environment, do func(context.Context, *store.Registry) error) error {
	client, err := l.table.Client(ctx)
	if err != nil {
		return err
	}
	r := dynamo.New(dynamo.Config{Client: client, Table: l.table.Name, Now: e.now, HistoryRetention: l.retention})
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(l.timeout, tableTimeout))
	defer cancel()
	if l.create {
		err = r.Initialize(ctx)
	}
	if err == nil {
		err = do(ctx, store.New(r, e.now))
	}
	var missing *types.ResourceNotFoundException
	if errors.As(err, &missing) {
		return fmt.Errorf("there is no table %s in %s for these credentials: check --table, --region and the profile",
			l.table.Name, client.Options().Region)
	}
	return err
}

func (l *location) withFolder(ctx context.Context, e *environment, do func(context.Context, *store.Registry) error) error {
	return l.withDatabase(ctx, e, func(database string) error {
		r, err := bolt.Open(database, bolt.Options{
			Now: e.now, HistoryRetention: l.retention, LockTimeout: lockTimeout,
			EqualCodes: func(of []instance.Instance) { say(e.stderr, "%s\n", store.EqualCodes(of)) },
		})
		if err != nil {
			return store.Advise(err, database)
		}
		return errors.Join(do(ctx, store.New(r, e.now)), r.Close())
	})
}

// withDatabase runs the command where the data folder is served, or else do
// with the path of the database.
func (l *location) withDatabase(ctx context.Context, e *environment, do func(database string) error) error {
	dir := e.path(l.data)
	database := filepath.Join(dir, store.DatabaseName)
	if l.create {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("create the data folder: %w", err)
		}
	} else if _, err := os.Stat(database); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no registry in %s: start one with instances serve, or choose another folder with --data", dir)
	}
	request := relay.Request{Version: serving.Version(), Args: e.args, Dir: e.dir, Terminal: e.terminal}
	for range lockAttempts {
		code, err := relay.Call(ctx, dir, request, e.stdin, e.stdout, e.stderr)
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

// folderFlag adds the flag that chooses a data folder to a command that does
// not work on tables.
func (l *location) folderFlag(c *cobra.Command) {
	c.Flags().StringVar(&l.data, "data", ".data", "work on the embedded database in `DIR`, also while serve has it open")
	_ = c.MarkFlagDirname("data")
	c.PreRunE = func(*cobra.Command, []string) error {
		if l.data == "" {
			return misused("--data is empty: give a folder")
		}
		return nil
	}
}

// withStore runs one of two functions: that for the database that this process
// serves, or that for a database file, which nobody serves.
func (l *location) withStore(ctx context.Context, e *environment, served func(*bolt.Repository) error, unserved func(database string) error) error {
	if e.serving == nil {
		return l.withDatabase(ctx, e, unserved)
	}
	r, ok := e.serving.OperatorRepository.(*bolt.Repository)
	if !ok {
		return errors.New("this process serves no embedded database")
	}
	return served(r)
}
