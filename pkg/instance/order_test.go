package instance_test

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"instances/pkg/instance"
)

func numberKind() instance.Kind {
	return instance.Kind{Name: "numbered", Order: instance.OrderNumber}
}

func timeKind() instance.Kind { return instance.Kind{Name: "timed", Order: instance.OrderTime} }

// lastTime is the last millisecond that a UUID of version 7 holds.
const lastTime = 1<<48 - 1

// Stored keys and cursors depend on the spelling.
func TestKeySortKey(t *testing.T) {
	t.Parallel()
	text := instance.Kind{Name: "named"}
	for _, test := range []struct {
		kind     instance.Kind
		id, want string
	}{
		{text, "01", "01"},
		{text, "", ""},
		{numberKind(), "1", "0000000000000000001"},
		{numberKind(), "9223372036854775807", "9223372036854775807"},
		{numberKind(), "9223372036854775808", ""},
		{numberKind(), "0", ""},
		{numberKind(), "-1", ""},
		{numberKind(), "+1", ""},
		{numberKind(), "01", ""},
		{numberKind(), "1 ", ""},
		{numberKind(), "x", ""},
		{numberKind(), "", ""},
		// 0x019b7ca98f2e is 1767323045678, which is 2026-01-02T03:04:05.678Z;
		// from there to the last millisecond it is 279707653664977.
		{timeKind(), "019b7ca9-8f2e-7abc-8def-0123456789ab", "279707653664977#019b7ca9-8f2e-7abc-8def-0123456789ab"},
		{timeKind(), "00000000-0000-7000-8000-000000000000", "281474976710655#00000000-0000-7000-8000-000000000000"},
		{timeKind(), "ffffffff-ffff-7fff-bfff-ffffffffffff", "000000000000000#ffffffff-ffff-7fff-bfff-ffffffffffff"},
		{timeKind(), "019b7ca9-8f2e-4abc-8def-0123456789ab", ""},
		{timeKind(), "019b7ca98f2e7abc8def0123456789ab", ""},
		{timeKind(), "019b7ca98f2e-7abc-8def-0123456789ab-", ""},
		{timeKind(), "019b7cag-8f2e-7abc-8def-0123456789ab", ""},
		{timeKind(), "019b7ca9-8f2g-7abc-8def-0123456789ab", ""},
		{timeKind(), "019b7ca9-8f2e-7abc-8def-0123456789a", ""},
		{timeKind(), "x", ""},
		{timeKind(), "", ""},
	} {
		key := instance.Key{Kind: test.kind, Collection: "c", ID: test.id}
		got, ok := key.SortKey()
		if got != test.want || ok != (test.want != "") {
			t.Errorf("sort key of %s %q is %q, %v, want %q", test.kind, test.id, got, ok, test.want)
		}
		i := instance.Instance{Kind: test.kind, Collection: "c", ID: test.id, CreatedAt: time.UnixMilli(5)}
		if whole := i.SortKey(); test.kind != timeKind() && whole != got || ok && whole != got {
			t.Errorf("sort key of %s %q is %q by its key, %q as a whole", test.kind, test.id, got, whole)
		}
	}
}

// An id without a time is sorted by when its instance was created, even where
// that is outside of what can be sorted.
func TestSortKeyByCreation(t *testing.T) {
	t.Parallel()
	created := []time.Time{
		time.UnixMilli(math.MaxInt64), time.UnixMilli(lastTime), time.UnixMilli(lastTime - 1),
		time.Date(2026, 1, 2, 3, 4, 5, 678_000_000, time.UTC), time.UnixMilli(1), time.UnixMilli(0),
		time.UnixMilli(-1),
		{},
	}
	wants := []string{
		"000000000000000", "000000000000000", "000000000000001",
		"279707653664977", "281474976710654", "281474976710655", "281474976710655", "281474976710655",
	}
	for n, at := range created {
		i := instance.Instance{Kind: timeKind(), ID: "an id", CreatedAt: at}
		if got, want := i.SortKey(), wants[n]+"#an id"; got != want {
			t.Errorf("sort key of %v is %q, want %q", at, got, want)
		}
		// What is below a millisecond is not stored, so it must not count.
		i.CreatedAt = at.Truncate(time.Millisecond).Add(999_999)
		if got, want := i.SortKey(), wants[n]+"#an id"; got != want && at.UnixMilli() >= 0 {
			t.Errorf("sort key of %v is %q, want %q", i.CreatedAt, got, want)
		}
	}
}

// Sort keys are in the order that the kind says, and differ where ids do.
func TestSortKeyOrder(t *testing.T) {
	t.Parallel()
	// Few times and ids, so that they are often alike.
	ms := rapid.OneOf(rapid.Int64Range(1_700_000_000_000, 1_700_000_000_003), rapid.Int64Range(0, lastTime))
	text := rapid.OneOf(rapid.SampledFrom([]string{"a", "#", "b", "0"}), rapid.StringN(1, 50, -1))
	type timed struct {
		i  instance.Instance
		ms int64
	}
	draw := func(t *rapid.T, label string) timed {
		at := ms.Draw(t, label+" time")
		i := instance.Instance{Kind: timeKind(), Collection: "c", CreatedAt: time.UnixMilli(at)}
		if rapid.Bool().Draw(t, label+" tells its time") {
			// Its creation does not matter then.
			i.ID, i.CreatedAt = instance.NewTimeID(i.CreatedAt), time.UnixMilli(ms.Draw(t, label+" creation"))
		} else {
			i.ID = text.Draw(t, label+" id")
		}
		return timed{i, at}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := draw(t, "a"), draw(t, "b")
		want := cmp.Or(cmp.Compare(b.ms, a.ms), strings.Compare(a.i.ID, b.i.ID))
		if got := strings.Compare(a.i.SortKey(), b.i.SortKey()); got != want {
			t.Fatalf("%q of %d and %q of %d compare as %d, want %d", a.i.SortKey(), a.ms, b.i.SortKey(), b.ms, got, want)
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.OneOf(rapid.Int64Range(1, 20), rapid.Int64Range(1, math.MaxInt64))
		a, b := number.Draw(t, "a"), number.Draw(t, "b")
		key := func(n int64) string {
			sort, ok := instance.Key{Kind: numberKind(), ID: strconv.FormatInt(n, 10)}.SortKey()
			if !ok {
				t.Fatalf("%d has no sort key", n)
			}
			return sort
		}
		if got, want := strings.Compare(key(a), key(b)), cmp.Compare(a, b); got != want {
			t.Fatalf("%d and %d compare as %d", a, b, got)
		}
	})
}

func TestNewTimeID(t *testing.T) {
	t.Parallel()
	shape := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	rapid.Check(t, func(t *rapid.T) {
		at := time.UnixMilli(rapid.Int64Range(0, lastTime).Draw(t, "time")).Add(
			time.Duration(rapid.IntRange(0, 999_999).Draw(t, "nanoseconds")))
		id := instance.NewTimeID(at)
		if !shape.MatchString(id) {
			t.Fatalf("id is %q", id)
		}
		ms, err := strconv.ParseInt(strings.ReplaceAll(id[:13], "-", ""), 16, 64)
		if err != nil || ms != at.UnixMilli() {
			t.Fatalf("id %q holds %d, %v, want %d", id, ms, err, at.UnixMilli())
		}
		// The id alone tells what the time of creation would have told.
		got, ok := instance.Key{Kind: timeKind(), ID: id}.SortKey()
		byTime := instance.Instance{Kind: timeKind(), ID: "x", CreatedAt: at}.SortKey()
		if want := strings.TrimSuffix(byTime, "x") + id; !ok || got != want {
			t.Fatalf("sort key is %q, %v, want %q", got, ok, want)
		}
	})

	seen := map[string]bool{}
	variants := map[byte]bool{}
	at := time.UnixMilli(1_767_323_045_678)
	for range 1000 {
		id := instance.NewTimeID(at)
		if seen[id] {
			t.Fatalf("id %q is made twice", id)
		}
		seen[id], variants[id[19]] = true, true
	}
	if len(variants) != 4 {
		t.Errorf("variants are %v", variants)
	}
	// Times that no id can hold are cut to what one can.
	ids := []string{
		instance.NewTimeID(time.Time{})[:13], instance.NewTimeID(at)[:13], instance.NewTimeID(time.UnixMilli(math.MaxInt64))[:13],
	}
	if !slices.Equal(ids, []string{"00000000-0000", "019b7ca9-8f2e", "ffffffff-ffff"}) {
		t.Errorf("ids start with %q", ids)
	}
}

// Whatever a client takes for an id has a sort key of its own, or none.
func FuzzKeySortKey(f *testing.F) {
	for _, id := range []string{
		"", "1", "01", "x", "#", "9223372036854775808", "019b7ca9-8f2e-7abc-8def-0123456789ab",
		"--------8----7----8---------------é-", strings.Repeat("7", 36),
	} {
		for order := range 3 {
			f.Add(order, id)
		}
	}
	f.Fuzz(func(t *testing.T, order int, id string) {
		kind := instance.Kind{Name: "kind", Order: instance.Order(order)}
		sort, ok := instance.Key{Kind: kind, Collection: "c", ID: id}.SortKey()
		if ok != (sort != "") {
			t.Fatalf("sort key of %q is %q, %v", id, sort, ok)
		}
		i := instance.Instance{Kind: kind, Collection: "c", ID: id, CreatedAt: time.UnixMilli(7)}
		switch whole := i.SortKey(); {
		case ok && whole != sort:
			t.Fatalf("sort key of %q is %q by its key, %q as a whole", id, sort, whole)
		case kind.Order != instance.OrderNumber && !strings.HasSuffix(whole, id):
			t.Fatalf("sort key of %q is %q", id, whole)
		case len(whole) > len(id)+19:
			t.Fatalf("sort key of %q has %d bytes", id, len(whole))
		}
	})
}
