package bolt_test

import (
	"path/filepath"
	"testing"

	"instances/pkg/app"
	"instances/pkg/repository/bolt"
	"instances/pkg/repository/repositorytest"
)

func TestRepository(t *testing.T) {
	t.Parallel()
	repositorytest.Run(t, openNew, 100)
}

func TestSearches(t *testing.T) {
	t.Parallel()
	repositorytest.Searches(t, openNew, 10_000)
}

func openNew(t *testing.T, o repositorytest.Options) app.OperatorRepository {
	return open(t, filepath.Join(t.TempDir(), "test.db"), bolt.Options{
		Now: o.Now, HistoryRetention: o.HistoryRetention, NoSync: true,
	})
}

// open opens a file until the test ends.
func open(tb testing.TB, path string, o bolt.Options) *bolt.Repository {
	tb.Helper()
	r, err := bolt.Open(path, o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := r.Close(); err != nil {
			tb.Error(err)
		}
	})
	return r
}
