package repositorytest

import (
	"testing"

	"instances/pkg/app"
)

// Traits are what repositories may differ in. They differ in how much there is
// to clean up, not in what a reader finds.
type Traits struct {
	// SelfExpiring says that what has expired goes by itself, so that there is
	// never any to count or to purge.
	SelfExpiring bool
	// Directory says that the collections of kinds with
	// [instance.OrderNumber] are listed, so that some may be listed in vain.
	Directory bool
}

// Run runs the suite on the repositories with the traits that open returns.
// The tests are parallel, and each opens a repository of its own.
func Run(t *testing.T, traits Traits, open func(t *testing.T, o Options) app.OperatorRepository) {
	with := func(test func(*testing.T, Opener, Traits)) func(*testing.T, Opener) {
		return func(t *testing.T, open Opener) { test(t, open, traits) }
	}
	for _, test := range []struct {
		name string
		run  func(*testing.T, Opener)
	}{
		{"Create", testCreate},
		{"Code", testCode},
		{"Replace", testReplace},
		{"Update", testUpdate},
		{"Delete", testDelete},
		{"Restore", testRestore},
		{"Trash", testTrash},
		{"Purge", testPurge},
		{"Idle", testIdle},
		{"Expired", with(testExpired)},
		{"Collection", with(testCollection)},
		{"History", testHistory},
		{"HistoryPaging", testHistoryPaging},
		{"Touch", testTouch},
		{"Search", testSearch},
		{"Time", testTime},
		{"Paging", testPaging},
		{"All", testAll},
		{"Sequence", testSequence},
		{"Idempotency", testIdempotency},
		{"Credential", testCredential},
		{"Document", testDocument},
		{"Limits", testLimits},
		{"EndedCredential", testEndedCredential},
		{"Cancelled", with(testCancelled)},
		{"Linearizable", testLinearizable},
		{"Model", testModel},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, open)
		})
	}
}
