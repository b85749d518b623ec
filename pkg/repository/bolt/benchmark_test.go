package bolt_test

import (
	"path/filepath"
	"testing"

	"instances/pkg/repository/bolt"
	"instances/pkg/repository/repositorytest"
)

func BenchmarkRepository(b *testing.B) {
	repositorytest.Benchmark(b, func(b *testing.B, o repositorytest.Options) repositorytest.Repository {
		return open(b, filepath.Join(b.TempDir(), "bench.db"), bolt.Options{Now: o.Now})
	})
}
