package bolt

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"

	"go.etcd.io/bbolt"

	"instances/pkg/instance"
)

// BenchmarkLargeSearch measures searches among many instances: by part of a
// name, by texts that 50 of them have, by such a text and one that all have,
// and the whole list.
func BenchmarkLargeSearch(b *testing.B) {
	for _, size := range []int{100_000, 1_000_000} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			r := fillLarge(b, size)
			for _, search := range []struct {
				name string
				q    instance.Query
				want int
			}{
				{"Name50", instance.Query{Name: "find me"}, 50},
				{"Name0", instance.Query{Name: "no such name"}, 0},
				{"Name1Character", instance.Query{Name: "i", Limit: 100}, 100},
				{"NamePage", instance.Query{Name: "NCE 0", Limit: 100}, 100},
				{"Group50", instance.Query{Group: "few"}, 50},
				{"SubGroup50", instance.Query{SubGroup: "few"}, 50},
				{"Status50", instance.Query{Status: "few"}, 50},
				{"AllGroupFewStatus", instance.Query{Group: "every", Status: "odd"}, 50},
				{"List", instance.Query{}, size},
			} {
				search.q.Kind = instance.Kind{Name: "kind", Order: instance.OrderNumber}
				b.Run(search.name, func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						n := 0
						for _, err := range r.Search(b.Context(), search.q) {
							if err != nil {
								b.Fatal(err)
							}
							n++
						}
						if n != search.want {
							b.Fatalf("found %d, want %d", n, search.want)
						}
					}
				})
			}
		})
	}
}

// fillLarge returns a repository of so many instances.
func fillLarge(b *testing.B, size int) *Repository {
	b.Helper()
	r := openTest(b, Options{})
	const part = 10_000
	for from := 1; from <= size; from += part {
		if err := r.file.update(func(tx *bbolt.Tx) error {
			for n := from; n < from+part; n++ {
				i := instance.Instance{
					Kind: instance.Kind{Name: "kind", Order: instance.OrderNumber}, Collection: instance.Block(int64(n)),
					ID: strconv.Itoa(n), Code: fmt.Sprint("code-", n), Group: "every", SubGroup: fmt.Sprint("sub-", n%7),
					Name: fmt.Sprintf("instance %07d", n), Owner: "owner", Status: fmt.Sprint("status-", n%3), Version: 1,
					Attributes: json.RawMessage(`{"description":"An instance of the benchmark","isDeploymentTarget":true,` +
						`"environments":[101,102,103,104,105],"workflows":[1,2,3],"pluginOperations":[{"pluginId":1}]}`),
				}
				switch n % (size / 50) {
				case 0:
					i.Name = fmt.Sprintf("Please find me, %d", n)
				case 1:
					i.Group, i.SubGroup, i.Status = "few", "few", "few"
				case 2:
					i.Status = "odd"
				}
				if err := put(tx, i); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	return r
}
