package bolt

import (
	"fmt"
	"strconv"
	"testing"

	"instances/pkg/instance"
)

// BenchmarkWrite measures writes among 10,000 instances, without the wait for
// the disk.
func BenchmarkWrite(b *testing.B) {
	const stored = 10_000
	kind := instance.Kind{Name: "kind", Order: instance.OrderNumber}
	fresh := func(n int) instance.Instance {
		return instance.Instance{
			Kind: kind, Collection: instance.Block(int64(n)), ID: strconv.Itoa(n), Code: fmt.Sprint("code-", n),
			Group: fmt.Sprint("group-", n%100), SubGroup: fmt.Sprint("sub-", n%7), Name: fmt.Sprintf("instance %06d", n),
			Status: fmt.Sprint("status-", n%3), Version: 1, Incarnation: "i",
		}
	}
	r := openTest(b, Options{})
	n := 0
	create := func(b *testing.B) {
		n++
		if err := r.Create(b.Context(), fresh(n), instance.Change{}, nil); err != nil {
			b.Fatal(err)
		}
	}
	for range stored {
		create(b)
	}
	replace := func(b *testing.B, modify func(*instance.Instance)) {
		k := 0
		for b.Loop() {
			before, err := r.Get(b.Context(), fresh(k*7919%stored+1).Key())
			if err != nil {
				b.Fatal(err)
			}
			after := before
			modify(&after)
			if _, err := r.Replace(b.Context(), before, after, instance.Change{}, nil); err != nil {
				b.Fatal(err)
			}
			k++
		}
	}
	b.Run("Create", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			create(b)
		}
	})
	b.Run("Replace", func(b *testing.B) {
		b.ReportAllocs()
		replace(b, func(i *instance.Instance) { i.Active = !i.Active })
	})
	b.Run("Rename", func(b *testing.B) {
		b.ReportAllocs()
		replace(b, func(i *instance.Instance) { i.Name = fmt.Sprint("Renamed ", i.Version) })
	})
	b.Run("ReplaceStatus", func(b *testing.B) {
		b.ReportAllocs()
		replace(b, func(i *instance.Instance) { i.Status = fmt.Sprint("status-", i.Version%3) })
	})
	b.Run("DeleteRestore", func(b *testing.B) {
		b.ReportAllocs()
		for k := 0; b.Loop(); k++ {
			key := fresh(k*7919%stored + 1).Key()
			if err := r.Delete(b.Context(), key, instance.Change{}, nil, nil); err != nil {
				b.Fatal(err)
			}
			if _, err := r.Restore(b.Context(), key, instance.Change{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
