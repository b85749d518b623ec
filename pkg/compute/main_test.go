package compute_test

import (
	"os"
	"testing"

	"instances/pkg/app/apptest"
)

// TestMain starts one engine for the tests of this package, unless the whole
// run has one, and fails where they leave out something of the document.
func TestMain(m *testing.M) { os.Exit(apptest.Main(m, "compute")) }
