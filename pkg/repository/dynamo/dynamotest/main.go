package dynamotest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"testing"

	"instances/pkg/internal/dev"
	"instances/pkg/repository/dynamo/dynamolocal"
)

// EndpointVariable is the environment variable that holds the address of the
// engine to use.
const EndpointVariable = "INSTANCES_TEST_DYNAMODB"

// Main runs the tests of a package with an engine, and returns the exit code.
// Without the engine, those that ask for a table are skipped or fail.
func Main(m *testing.M) int {
	if os.Getenv(EndpointVariable) != "" {
		return m.Run()
	}
	server, err := startEngine(context.Background())
	if errors.Is(err, dynamolocal.ErrMissing) {
		return m.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer server.Stop()
	if err := os.Setenv(EndpointVariable, server.Endpoint); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// startEngine starts an engine of one's own.
func startEngine(ctx context.Context) (*dynamolocal.Server, error) {
	root, err := dev.Root()
	if err != nil {
		return nil, err
	}
	return dynamolocal.Start(ctx, root)
}

// endpoint returns the address of the engine, of one for this test alone
// where the package has none. It skips or fails the test where there cannot
// be one.
func endpoint(t testing.TB) string {
	t.Helper()
	if at := os.Getenv(EndpointVariable); at != "" {
		return at
	}
	server, err := startEngine(t.Context())
	if errors.Is(err, dynamolocal.ErrMissing) {
		if ci, _ := strconv.ParseBool(os.Getenv("CI")); !ci {
			t.Skipf("NOT TESTED on DynamoDB Local: %v", err)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	return server.Endpoint
}
