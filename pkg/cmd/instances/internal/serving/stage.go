package serving

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"sync"
	"time"

	"instances/pkg/cmd/instances/internal/store"
	"instances/pkg/rehearsal"
	"instances/pkg/repository/dynamo"
	"instances/pkg/repository/dynamo/dynamolocal"
	"instances/pkg/template"
)

// rehearsalTable is the name of the table on a DynamoDB Local that the program
// starts.
const rehearsalTable = "instances"

// Stage is what a rehearsal needs: a table, and who may use it.
type Stage struct {
	table string
	// environment has the region, the credentials, and where DynamoDB is.
	environment map[string]string
	// local is the table where it is on an engine of the stage's own.
	local dynamolocal.Table
	// Stop ends the engine of the stage, where it has one.
	Stop func()
}

// LocalStage starts DynamoDB Local with an empty table of the template. Stop ends
// that.
func LocalStage(ctx context.Context, root string, t *template.Template) (*Stage, error) {
	engine, err := dynamolocal.Start(ctx, root)
	if errors.Is(err, dynamolocal.ErrMissing) {
		return nil, fmt.Errorf("the rehearsal needs DynamoDB Local, for which Java 17 and Maven must be installed: %w", err)
	}
	if err != nil {
		return nil, err
	}
	s := &Stage{
		table: rehearsalTable, local: dynamolocal.Table{Endpoint: engine.Endpoint, Name: rehearsalTable}, Stop: engine.Stop,
	}
	s.environment = s.local.Environment()
	definition, err := onlyTable(t)
	if err == nil {
		err = s.local.Create(ctx, definition)
	}
	if err != nil {
		engine.Stop()
		return nil, err
	}
	return s, nil
}

// onlyTable returns the table of the template.
func onlyTable(t *template.Template) (template.Table, error) {
	if len(t.Tables) != 1 {
		return template.Table{}, fmt.Errorf("the template has %d tables, not one", len(t.Tables))
	}
	return t.Tables[0], nil
}

// RemoteStage returns a stage on a table that exists, with the credentials
// that every AWS tool would take.
func RemoteStage(ctx context.Context, table store.Table) (*Stage, error) {
	client, err := table.Client(ctx)
	if err != nil {
		return nil, err
	}
	options := client.Options()
	credentials, err := options.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("find the AWS credentials: %w", err)
	}
	s := &Stage{table: table.Name, Stop: func() {}, environment: map[string]string{
		"AWS_REGION":            options.Region,
		"AWS_ACCESS_KEY_ID":     credentials.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY": credentials.SecretAccessKey,
	}}
	if credentials.SessionToken != "" {
		s.environment["AWS_SESSION_TOKEN"] = credentials.SessionToken
	}
	if options.BaseEndpoint != nil {
		s.environment["AWS_ENDPOINT_URL_DYNAMODB"] = *options.BaseEndpoint
	}
	return s, nil
}

// Repository returns the repository of a stage of its own.
func (s *Stage) Repository(now func() time.Time, retention time.Duration) *dynamo.Repository {
	return dynamo.New(dynamo.Config{Client: s.local.Client(nil), Table: s.table, Now: now, HistoryRetention: retention})
}

// Functions builds the functions of the template at path, and returns them
// with that template. What they log from a level on, which is named as Lambda
// does, goes to w, and so does how long each start took.
func (s *Stage) Functions(ctx context.Context, path, level string, w io.Writer) (*rehearsal.Functions, *template.Template, error) {
	t, err := template.Load(path)
	if err != nil {
		return nil, nil, err
	}
	definition, err := onlyTable(t)
	if err != nil {
		return nil, nil, err
	}
	if t, err = template.Load(path, template.With(definition.LogicalID, s.table)); err != nil {
		return nil, nil, err
	}
	folder, err := rehearsal.Build(ctx, filepath.Dir(path))
	if err != nil {
		return nil, nil, err
	}
	environment := maps.Clone(s.environment)
	environment["AWS_LAMBDA_LOG_LEVEL"] = level
	w = &shared{w: w}
	fs, err := rehearsal.New(ctx, rehearsal.Options{
		Template: t, Folder: folder, Environment: environment, Output: w,
		ColdStart: func(c rehearsal.ColdStart) { say(w, "%s\n", coldStart(c)) },
	})
	return fs, t, err
}

// lines tells how other commands reach the table.
func (s *Stage) lines() string {
	e := s.environment
	return fmt.Sprintf("While this runs, other commands reach its table with\n"+
		"  AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s instances COMMAND --table %s --endpoint %s --region %s",
		e["AWS_ACCESS_KEY_ID"], e["AWS_SECRET_ACCESS_KEY"], s.table, e["AWS_ENDPOINT_URL_DYNAMODB"], e["AWS_REGION"])
}

// shared is a writer for several at once.
type shared struct {
	mu sync.Mutex
	w  io.Writer
}

func (s *shared) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(b)
}

// coldStart tells of the start of a process.
func coldStart(c rehearsal.ColdStart) string {
	text := fmt.Sprintf("cold start of %s: %.1f ms, and %.1f ms for the first request", c.Function, ms(c.Init), ms(c.Request))
	if c.Err != nil {
		text += ", which failed: " + c.Err.Error()
	}
	return text
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
