package dynamolocal

import (
	"context"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"instances/pkg/repository/dynamo"
	"instances/pkg/template"
)

// Table is a table of an engine.
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

// Create makes the table, with the newest layout. Its time to live is left out: tests have clocks of
// their own, and the engine would remove by the real one.
func (t Table) Create(ctx context.Context, definition template.Table) error {
	client := t.Client(nil)
	if _, err := client.CreateTable(ctx, createInput(t.Name, definition)); err != nil {
		return fmt.Errorf("create table: %w", err)
	}
	if err := dynamo.New(dynamo.Config{Client: client, Table: t.Name}).Initialize(ctx); err != nil {
		return fmt.Errorf("create table: %w", err)
	}
	return nil
}

// Delete removes the table and what is in it.
func (t Table) Delete(ctx context.Context) error {
	if _, err := t.Client(nil).DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &t.Name}); err != nil {
		return fmt.Errorf("delete table: %w", err)
	}
	return nil
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

// Environment returns what a function finds the engine by: where it is, and
// the credentials for it. The name of the table is set by the template.
func (t Table) Environment() map[string]string {
	return map[string]string{
		"AWS_REGION":                region,
		"AWS_ACCESS_KEY_ID":         accessKey,
		"AWS_SECRET_ACCESS_KEY":     secretKey,
		"AWS_ENDPOINT_URL_DYNAMODB": t.Endpoint,
	}
}

// Getenv returns the environment of a function that uses the table: that of
// [Table.Environment], and TABLE_NAME.
func (t Table) Getenv(name string) string {
	if name == "TABLE_NAME" {
		return t.Name
	}
	return t.Environment()[name]
}

// createInput is the table of the template as DynamoDB creates it.
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
