package execution_test

import (
	"os"
	"testing"

	"instances/pkg/repository/dynamo/dynamotest"
)

// TestMain starts one engine for the tests of this package, unless the whole
// run has one.
func TestMain(m *testing.M) { os.Exit(dynamotest.Main(m)) }
