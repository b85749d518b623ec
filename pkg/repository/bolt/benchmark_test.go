package bolt_test

import (
	"path/filepath"
	"testing"

	"instances/pkg/app"
	"instances/pkg/repository/bolt"
	"instances/pkg/repository/repositorytest"
)

func BenchmarkRepository(b *testing.B) {
	repositorytest.Benchmark(b, func(b *testing.B, o repositorytest.Options) app.OperatorRepository {
		return open(b, filepath.Join(b.TempDir(), "bench.db"), bolt.Options{Now: o.Now})
	})
}
