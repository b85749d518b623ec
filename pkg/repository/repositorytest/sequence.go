package repositorytest

import (
	"errors"
	"slices"
	"strconv"
	"testing"

	"instances/pkg/instance"
)

// testSequence covers the numbers of a kind.
func testSequence(t *testing.T, open Opener) {
	next := func(t *testing.T, f *fixture, kind instance.Kind) int64 {
		t.Helper()
		n, err := f.NextNumber(t.Context(), kind)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	reserve := func(t *testing.T, f *fixture, upTo int64) {
		t.Helper()
		if err := f.ReserveNumbers(t.Context(), numberKind(), upTo); err != nil {
			t.Fatal(err)
		}
	}

	t.Run("starts at 1, per kind", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		other := instance.Kind{Name: "other", Order: instance.OrderNumber}
		for _, test := range []struct {
			kind instance.Kind
			want int64
		}{{numberKind(), 1}, {other, 1}, {numberKind(), 2}, {other, 2}, {numberKind(), 3}} {
			if n := next(t, f, test.kind); n != test.want {
				t.Errorf("%v: %d, want %d", test.kind, n, test.want)
			}
		}
	})

	t.Run("parallel numbers differ", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		numbers := make([]int64, 64)
		errs := parallel(len(numbers), func(k int) (err error) {
			numbers[k], err = f.NextNumber(t.Context(), numberKind())
			return err
		})
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		slices.Sort(numbers)
		if unique := slices.Compact(slices.Clone(numbers)); len(unique) != len(numbers) || numbers[0] < 1 {
			t.Errorf("numbers are %v", numbers)
		}
		if n := next(t, f, numberKind()); n <= numbers[len(numbers)-1] {
			t.Errorf("%d comes after %d", n, numbers[len(numbers)-1])
		}
	})

	t.Run("reserving only raises", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		reserve(t, f, 11_103)
		if n := next(t, f, numberKind()); n != 11_104 {
			t.Errorf("%d, want 11104", n)
		}
		for _, upTo := range []int64{0, 5, 11_103, 11_104} {
			reserve(t, f, upTo)
		}
		if n := next(t, f, numberKind()); n != 11_105 {
			t.Errorf("%d, want 11105", n)
		}
		reserve(t, f, 11_106)
		if n := next(t, f, numberKind()); n != 11_107 {
			t.Errorf("%d, want 11107", n)
		}
	})

	t.Run("every block is listed", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		var want []string
		for _, upTo := range []int64{0, 9_998, 9_999, 19_999, 20_000, 70_000, 1_234_567_890_123} {
			reserve(t, f, upTo)
			i := f.createNumbered(t, instance.Instance{Name: "n"})
			if i.ID != strconv.FormatInt(upTo+1, 10) {
				t.Fatalf("number is %s, want %d", i.ID, upTo+1)
			}
			want = append(want, i.ID)
			for _, q := range []instance.Query{{}, {Name: "n"}} {
				q.Kind = numberKind()
				if ids := f.ids(t, q); !slices.Equal(ids, want) {
					t.Fatalf("%+v finds %v, want %v", q, ids, want)
				}
			}
		}
	})

	t.Run("parallel over the border of a block", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		reserve(t, f, 9_995)
		const creates = 16
		errs := parallel(creates, func(int) error {
			n, err := f.NextNumber(t.Context(), numberKind())
			if err != nil {
				return err
			}
			return f.Create(t.Context(), f.fresh(numbered(n, instance.Instance{})), f.change("create"), nil)
		})
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		ids := f.ids(t, instance.Query{Kind: numberKind()})
		if len(ids) != creates || !slices.Contains(ids, "9996") || !slices.Contains(ids, "10000") {
			t.Errorf("listed are %v", ids)
		}
	})
}
