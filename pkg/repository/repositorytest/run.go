package repositorytest

import (
	"testing"

	"instances/pkg/app"
)

// Run runs the suite on the repositories that open returns, with so many random
// histories. The tests are parallel, and each opens a repository of its own.
func Run(t *testing.T, open func(t *testing.T, o Options) app.OperatorRepository, histories int64) {
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
		{"Tidy", testTidy},
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
		{"Cancelled", testCancelled},
		{"Linearizable", testLinearizable},
		{"Model", func(t *testing.T, open Opener) { testModel(t, open, histories) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, open)
		})
	}
}
