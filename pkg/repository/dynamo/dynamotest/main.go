package dynamotest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"testing"

	"instances/pkg/internal/dev"
	"instances/pkg/repository/dynamo/dynamolocal"
)

const (
	// EndpointVariable is the environment variable that holds the address of the
	// engine to use, or noEngine.
	EndpointVariable = "INSTANCES_TEST_DYNAMODB"
	// noEngine says that there is no engine, and that none can be installed.
	noEngine = "none"
)

// Main runs the tests of a package with an engine, and returns the exit code.
// Without the engine, those that ask for a table are skipped or fail.
func Main(m *testing.M) int {
	flag.Parse()
	if os.Getenv(EndpointVariable) != "" || testing.Short() {
		return m.Run()
	}
	server, err := startEngine(context.Background())
	endpoint := noEngine
	if err == nil {
		defer server.Stop()
		endpoint = server.Endpoint
	} else if fmt.Fprintln(os.Stderr, err); !errors.Is(err, dynamolocal.ErrMissing) {
		return 1
	}
	if err := os.Setenv(EndpointVariable, endpoint); err != nil {
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
	if testing.Short() {
		t.Skip("-short leaves out DynamoDB Local")
	}
	at := os.Getenv(EndpointVariable)
	if at != "" && at != noEngine {
		return at
	}
	err := dynamolocal.ErrMissing
	var server *dynamolocal.Server
	if at != noEngine {
		server, err = startEngine(t.Context())
	}
	if errors.Is(err, dynamolocal.ErrMissing) {
		if !dev.CI() {
			t.Skipf("NOT TESTED on DynamoDB Local: %v", err)
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	return server.Endpoint
}
