package topology_test

import (
	"os"
	"testing"

	"instances/pkg/app/apptest"
)

// TestMain starts one engine for the tests of this package, unless the whole
// run has one.
func TestMain(m *testing.M) { os.Exit(apptest.Main(m, "topology")) }
