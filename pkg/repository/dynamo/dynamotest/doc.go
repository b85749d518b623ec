// Package dynamotest gives tests a DynamoDB repository on DynamoDB Local:
//
//	func TestMain(m *testing.M) { os.Exit(dynamotest.Main(m)) }
//
//	func TestSomething(t *testing.T) {
//		r := dynamotest.New(t, dynamotest.Options{})
//		…
//	}
//
// The engine is the one that the variable INSTANCES_TEST_DYNAMODB points at
// (make test starts one for the whole run), or else one that Main starts for
// the package. Each test has a table of its own, created from the table of
// template.yaml, so that the two cannot differ.
//
// Where Java or Maven is missing, the tests that need the engine are skipped,
// and where CI is true they fail. go test -short skips them too.
package dynamotest
