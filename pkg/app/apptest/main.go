package apptest

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"instances/pkg/app/apptest/contract"
	"instances/pkg/repository/dynamo/dynamotest"
)

// Main runs the tests of a package with an engine as [dynamotest.Main] does,
// and returns the exit code. Together the tests have to exercise everything
// that the document of the named API describes: where all of them ran, and
// something never occurred, it prints what, and fails.
func Main(m *testing.M, api string) int {
	code := dynamotest.Main(m)
	if code != 0 || filtered() {
		return code
	}
	d, err := contract.Of(api)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if missing := d.Missing(); len(missing) > 0 {
		fmt.Fprintf(os.Stderr, "pkg/%s/openapi.yaml describes what no test exercises:\n\t%s\n", api, strings.Join(missing, "\n\t"))
		return 1
	}
	if testing.Verbose() {
		fmt.Printf("all that pkg/%s/openapi.yaml describes was exercised: %s\n", api, d.Size())
	}
	return 0
}

// filtered reports whether flags leave out tests.
func filtered() bool {
	for _, name := range []string{"run", "skip", "list", "fuzz"} {
		if f := flag.Lookup("test." + name); f != nil && f.Value.String() != "" {
			return true
		}
	}
	return testing.Short()
}
