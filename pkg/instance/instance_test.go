package instance_test

import (
	"encoding/json"
	"math"
	"regexp"
	"testing"

	"instances/pkg/instance"
)

func TestBlock(t *testing.T) {
	t.Parallel()
	numbers := []int64{1, 9_999, 10_000, 19_999, 20_000, 99_999, 100_000, 1_000_000_000, math.MaxInt64}
	for n, number := range numbers {
		got := instance.Block(number)
		if n == 0 {
			continue
		}
		before := numbers[n-1]
		same := before/instance.BlockSize == number/instance.BlockSize
		if previous := instance.Block(before); previous > got || (previous == got) != same {
			t.Errorf("block of %d is %q, of %d %q", before, previous, number, got)
		}
	}
	// Stored keys depend on the spelling.
	if got := instance.Block(11_104); got != "000000000000001" {
		t.Errorf("block is %q", got)
	}
}

func TestRevision(t *testing.T) {
	t.Parallel()
	shape := regexp.MustCompile(`^[A-Za-z0-9]+\.[0-9]+$`)
	seen := map[string]bool{}
	for range 3 {
		i := instance.Instance{Incarnation: instance.NewIncarnation()}
		for i.Version = 1; i.Version <= 12; i.Version++ {
			revision := i.Revision()
			if !shape.MatchString(revision) {
				t.Errorf("revision is %q", revision)
			}
			if seen[revision] {
				t.Errorf("revision %q is used twice", revision)
			}
			seen[revision] = true
		}
	}
}

func TestNewIncarnation(t *testing.T) {
	t.Parallel()
	shape := regexp.MustCompile(`^[0-9a-f]{16}$`)
	seen := map[string]bool{}
	for range 1000 {
		got := instance.NewIncarnation()
		if !shape.MatchString(got) || seen[got] {
			t.Fatalf("incarnation is %q, seen before: %v", got, seen[got])
		}
		seen[got] = true
	}
}

// Every field counts that can be long.
func TestStoredSize(t *testing.T) {
	t.Parallel()
	for n, i := range []instance.Instance{
		{Collection: "12"},
		{ID: "12"},
		{Code: "12"},
		{Group: "12"},
		{SubGroup: "12"},
		{Name: "é"},
		{Owner: "12"},
		{Status: "12"},
		{Attributes: json.RawMessage("{}")},
	} {
		if got := i.StoredSize(); got != 2 {
			t.Errorf("size of %d is %d, want 2", n, got)
		}
	}
	if got := (instance.Instance{Collection: "1", Name: "22", Attributes: json.RawMessage("333")}).StoredSize(); got != 6 {
		t.Errorf("sizes do not add up: %d", got)
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	kind := instance.Kind{Name: "kind", Order: instance.OrderNumber}
	key := instance.Instance{Kind: kind, Collection: "c", ID: "7", Name: "n"}.Key()
	if want := (instance.Key{Kind: kind, Collection: "c", ID: "7"}); key != want {
		t.Errorf("key is %+v", key)
	}
	if key.String() != "kind 7" || kind.String() != "kind" {
		t.Errorf("written as %q and %q", key, kind)
	}
}
