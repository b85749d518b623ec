// Package store opens what commands work on: the repository in a data folder
// or in a DynamoDB table.
package store

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go/logging"

	"instances/pkg/app"
	"instances/pkg/auth"
	"instances/pkg/instance"
	"instances/pkg/repository/bolt"
)

// DatabaseName is the name of the embedded database in its data folder.
const DatabaseName = "instances.db"

// Connections is how many connections to DynamoDB are kept open.
const Connections = 16

// credentialsTimeout is how long it may take to find the credentials of a
// table: a program that finds them may ask a person.
const credentialsTimeout = 2 * time.Minute

// Registry is an open repository, and who may use it.
type Registry struct {
	app.OperatorRepository
	Keys *auth.Authenticator
}

// New returns the registry on r. It tells the time by now.
func New(r app.OperatorRepository, now func() time.Time) *Registry {
	return &Registry{r, auth.NewAuthenticator(r, now)}
}

// Table is a DynamoDB table. Region and Endpoint may be empty for those that
// every AWS tool would find.
type Table struct {
	Name, Region, Endpoint string
}

// Client returns a client for the table, with the credentials and the region
// that every AWS tool would take.
func (t Table) Client(ctx context.Context) (*dynamodb.Client, error) {
	ctx, cancel := context.WithTimeout(ctx, credentialsTimeout)
	defer cancel()
	loaded, err := config.LoadDefaultConfig(ctx, config.WithHTTPClient(
		// An import keeps more connections busy than a client keeps by default.
		awshttp.NewBuildableClient().WithTransportOptions(func(h *http.Transport) { h.MaxIdleConnsPerHost = Connections }),
	))
	if err != nil {
		return nil, fmt.Errorf("read the AWS configuration: %w", err)
	}
	if t.Region != "" {
		loaded.Region = t.Region
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
		if t.Endpoint != "" {
			o.BaseEndpoint = &t.Endpoint
		}
	}), nil
}

// Advise adds to the error of a database that is damaged what to do.
func Advise(err error, database string) error {
	if !errors.Is(err, bolt.ErrDamaged) {
		return err
	}
	return fmt.Errorf("%w. Stop what uses it, keep the file, and copy a backup over %s; instances check says more", err, database)
}

// EqualCodes says that an upgrade has made the codes of instances equal, and what
// to do.
func EqualCodes(of []instance.Instance) string {
	var names []string
	for _, i := range of {
		names = append(names, fmt.Sprintf("%s (%q)", i.Key(), i.Code))
	}
	return fmt.Sprintf("The codes of these instances are equal now that i, ı and İ are: %s. They keep them, and no other "+
		"instance can take the code until the last of them has another. Give all but one another code.", strings.Join(names, ", "))
}
