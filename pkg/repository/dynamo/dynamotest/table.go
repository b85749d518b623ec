package dynamotest

import (
	"context"
	"crypto/rand"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/repository/dynamo/dynamolocal"
	"instances/pkg/template"
)

// Table is an empty table that no other test uses.
type Table struct {
	// Endpoint is the address of the engine.
	Endpoint string
	// Name is the name of the table.
	Name string
}

// The engine takes any credentials; it keeps the tables of each apart.
const (
	region    = "us-east-1"
	accessKey = "test"
	secretKey = "test"
)

// NewTable creates a table, which is deleted when t ends.
func NewTable(t testing.TB) Table {
	t.Helper()
	table := Table{Endpoint: endpoint(t), Name: "test-" + rand.Text()}
	root, err := dynamolocal.Root()
	if err != nil {
		t.Fatal(err)
	}
	definition, err := template.Load(filepath.Join(root, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if len(definition.Tables) != 1 {
		t.Fatalf("template.yaml has %d tables, want 1", len(definition.Tables))
	}
	client := table.Client(nil)
	if _, err := client.CreateTable(t.Context(), createInput(table.Name, definition.Tables[0])); err != nil {
		t.Fatalf("create table: %v", err)
	}
	t.Cleanup(func() {
		// The context of the test is over.
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if _, err := client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &table.Name}); err != nil {
			t.Errorf("delete table: %v", err)
		}
	})
	return table
}

// Client returns a client for the table, whose requests go through the
// transport that wrap makes of the usual one; wrap may be nil.
func (t Table) Client(wrap func(http.RoundTripper) http.RoundTripper) *dynamodb.Client {
	transport := http.DefaultTransport
	if wrap != nil {
		transport = wrap(transport)
	}
	return dynamodb.New(dynamodb.Options{
		Region:       region,
		BaseEndpoint: &t.Endpoint,
		HTTPClient:   &http.Client{Transport: transport},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: secretKey}, nil
		}),
	})
}

// Getenv returns the environment of a function that uses the table: where
// DynamoDB is, the credentials for it, and TABLE_NAME.
func (t Table) Getenv(name string) string {
	switch name {
	case "AWS_REGION":
		return region
	case "AWS_ACCESS_KEY_ID":
		return accessKey
	case "AWS_SECRET_ACCESS_KEY":
		return secretKey
	case "AWS_ENDPOINT_URL_DYNAMODB":
		return t.Endpoint
	case "TABLE_NAME":
		return t.Name
	}
	return ""
}

// createInput is the table of the template as DynamoDB creates it. Its time
// to live is left out: tests have clocks of their own, and the engine would
// remove by the real one.
func createInput(name string, t template.Table) *dynamodb.CreateTableInput {
	in := &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest, KeySchema: keySchema(t.Key),
	}
	for _, a := range t.Attributes {
		in.AttributeDefinitions = append(in.AttributeDefinitions, types.AttributeDefinition{
			AttributeName: aws.String(a.Name), AttributeType: types.ScalarAttributeType(a.Type),
		})
	}
	for _, x := range t.Indexes {
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{
			IndexName: aws.String(x.Name), KeySchema: keySchema(x.Key),
			Projection: &types.Projection{
				ProjectionType: types.ProjectionType(x.Projection), NonKeyAttributes: x.NonKeyAttributes,
			},
		})
	}
	return in
}

func keySchema(k template.Key) []types.KeySchemaElement {
	schema := []types.KeySchemaElement{{AttributeName: aws.String(k.Partition), KeyType: types.KeyTypeHash}}
	if k.Sort != "" {
		schema = append(schema, types.KeySchemaElement{AttributeName: aws.String(k.Sort), KeyType: types.KeyTypeRange})
	}
	return schema
}
