package repositorytest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"instances/pkg/app"
	"instances/pkg/instance"
)

// benchmarkSize is how many instances the benchmarks search.
const benchmarkSize = 10_000

// Benchmark measures a repository of 10,000 instances: get, create one by one
// and in parallel, and the searches. It fills the repository once. The number of
// answers to each search is reported with its time.
func Benchmark(b *testing.B, open func(b *testing.B, o Options) app.OperatorRepository) {
	r := open(b, Options{Now: time.Now})
	b.Helper()
	fill(b, r)
	ctx := b.Context()

	b.Run("Get", func(b *testing.B) {
		b.ReportAllocs()
		n := int64(0)
		for b.Loop() {
			n = n%benchmarkSize + 1
			if _, err := r.Get(ctx, numbered(n, instance.Instance{}).Key()); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, search := range []struct {
		name string
		q    instance.Query
	}{
		{"SearchCode", instance.Query{Code: "CODE-7777"}},
		{"SearchGroup", instance.Query{Group: "GROUP-77"}},
		{"SearchName", instance.Query{Name: "INSTANCE 00777"}},
		{"SearchNameNone", instance.Query{Name: "no such name"}},
		{"ListPage", instance.Query{Limit: 100}},
		{"List", instance.Query{}},
	} {
		search.q.Kind = numberKind()
		b.Run(search.name, func(b *testing.B) {
			b.ReportAllocs()
			found := 0
			for b.Loop() {
				found = 0
				for _, err := range r.Search(ctx, search.q) {
					if err != nil {
						b.Fatal(err)
					}
					found++
				}
			}
			b.ReportMetric(float64(found), "found")
		})
	}

	// The creates come last: they add to what the searches read.
	var number atomic.Int64
	number.Store(benchmarkSize)
	create := func() error {
		return r.Create(ctx, benchmarkInstance(number.Add(1)), benchmarkChange(), nil)
	}
	b.Run("Create", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := create(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("CreateParallel64", func(b *testing.B) {
		b.ReportAllocs()
		// On few cores, so that 64 are under way at once.
		b.SetParallelism(64)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := create(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	})
}

// fill creates the instances 1 to benchmarkSize, many at a time.
func fill(b *testing.B, r app.OperatorRepository) {
	b.Helper()
	for _, upTo := range []int64{0, benchmarkSize - 1} {
		if err := r.ReserveNumbers(b.Context(), numberKind(), upTo); err != nil {
			b.Fatal(err)
		}
		if _, err := r.NextNumber(b.Context(), numberKind()); err != nil {
			b.Fatal(err)
		}
	}
	const writers = 64
	for k, err := range parallel(writers, func(k int) error {
		for n := int64(k) + 1; n <= benchmarkSize; n += writers {
			if err := r.Create(b.Context(), benchmarkInstance(n), benchmarkChange(), nil); err != nil {
				return err
			}
		}
		return nil
	}) {
		if err != nil {
			b.Fatalf("writer %d: %v", k, err)
		}
	}
}

// benchmarkInstance is one of 100 in its group.
func benchmarkInstance(n int64) instance.Instance {
	now := time.Now()
	return numbered(n, instance.Instance{
		Code: "code-" + strconv.FormatInt(n, 10), Group: fmt.Sprintf("group-%d", n%100), SubGroup: fmt.Sprintf("sub-%d", n%7),
		Name: fmt.Sprintf("instance %06d", n), Owner: "owner", Active: true,
		Version: 1, Incarnation: instance.NewIncarnation(), CreatedAt: now, UpdatedAt: now,
		Attributes: json.RawMessage(`{"description":"An instance of the benchmark","isDeploymentTarget":true,` +
			`"environments":[101,102,103,104,105],"workflows":[1,2,3],"pluginOperations":[{"pluginId":1,"operation":"deploy"}]}`),
	})
}

func benchmarkChange() instance.Change {
	return instance.Change{By: "key", Owner: "owner", At: time.Now(), RequestID: "request", Operation: "create"}
}
