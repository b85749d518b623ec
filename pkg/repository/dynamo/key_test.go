package dynamo

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"instances/pkg/instance"
)

func TestCut(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text  string
		limit int
		want  string
	}{
		{"abc", 3, "abc"},
		{"abcd", 3, "abc"},
		{"aä", 2, "a"},
		{"aä", 3, "aä"},
		{"a€€", 5, "a€"},
		{"𝄞", 3, ""},
		{"", 0, ""},
	} {
		if got := cut(test.text, test.limit); got != test.want {
			t.Errorf("cut(%q, %d) is %q, want %q", test.text, test.limit, got, test.want)
		}
	}
	long := indexPartition(instance.Kind{Name: "kind"}, strings.Repeat("ä€𝄞", 1000))
	if len(long) > maxPartitionBytes || len(long) < maxPartitionBytes-utf8.UTFMax || !utf8.ValidString(long) {
		t.Errorf("a partition key of %d bytes, valid: %v", len(long), utf8.ValidString(long))
	}
}

func TestSortKey(t *testing.T) {
	t.Parallel()
	number := instance.Kind{Name: "numbered", Order: instance.OrderNumber}
	text := instance.Kind{Name: "named"}
	for _, test := range []struct {
		kind       instance.Kind
		collection string
		id         string
		want       string
	}{
		{number, "c", "1", "0000000000000000001"},
		{number, "c", "9223372036854775807", "9223372036854775807"},
		{number, "c", "9223372036854775808", ""},
		{number, "c", "0", ""},
		{number, "c", "-1", ""},
		{number, "c", "+1", ""},
		{number, "c", "01", ""},
		{number, "c", "x", ""},
		{number, "c", "", ""},
		{text, "c", "01", "01"},
		{text, "c", "", ""},
		{text, "a\x00b", "x", ""},
		{text, strings.Repeat("c", maxKeyBytes), "x", ""},
	} {
		got, ok := sortKey(instance.Key{Kind: test.kind, Collection: test.collection, ID: test.id})
		if got != test.want || ok != (test.want != "") {
			t.Errorf("sort key of %q is %q, %v, want %q", test.id, got, ok, test.want)
		}
	}
}

// The longest keys that are allowed stay within what DynamoDB allows.
func TestKeyLimits(t *testing.T) {
	t.Parallel()
	i := instance.Instance{
		Kind: instance.Kind{Name: strings.Repeat("k", 32)}, Collection: strings.Repeat("c", maxKeyBytes/2),
		ID: strings.Repeat("i", maxKeyBytes/2), Code: strings.Repeat("c", 5000), Group: strings.Repeat("g", 5000),
		Incarnation: instance.NewIncarnation(),
	}
	item, err := newItem(i)
	if err != nil {
		t.Fatal(err)
	}
	const maxSort = 1024
	guard, trash := guardKey(i.Kind, i.Code), trashKey(i, item.SK, time.Now())
	for name, key := range map[string]itemKey{
		"instance": item.itemKey, "guard": guard, "trash": trash,
		"code": {item.CodePartition, item.CodeSort}, "group": {item.GroupPartition, item.GroupSort},
		"name": {item.NamePartition, item.NameSort}, "history": {historyPartition(i.Key(), item.SK), ""},
		"directory": directoryKey(i.Kind, i.Collection),
	} {
		if len(key.PK) > maxPartitionBytes || len(key.SK) > maxSort {
			t.Errorf("%s: keys of %d and %d bytes", name, len(key.PK), len(key.SK))
		}
	}
}

// Records of different owners, routes or keys are different, however their
// parts are cut.
func TestIdempotencyKeys(t *testing.T) {
	t.Parallel()
	seen := map[itemKey]instance.Idempotency{}
	for _, i := range []instance.Idempotency{
		{Owner: "a", Route: "b", Key: "c"},
		{Owner: "ab", Route: "", Key: "c"},
		{Owner: "a", Route: "bc", Key: ""},
		{Owner: "", Route: "ab", Key: "c"},
		{Owner: "a", Route: "1:b", Key: "c"},
		{Owner: "a1:b", Route: "", Key: "c"},
	} {
		key := idempotencyKey(&i)
		if was, ok := seen[key]; ok {
			t.Errorf("%+v and %+v share a record", was, i)
		}
		seen[key] = i
	}
}

func TestSortableTime(t *testing.T) {
	t.Parallel()
	base := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("east", 3600))
	var texts []string
	for _, d := range []time.Duration{0, 1, 10, time.Millisecond, time.Second, time.Minute, 24 * time.Hour} {
		texts = append(texts, sortableTime(base.Add(d)))
	}
	if !slices.IsSorted(texts) || len(texts[0]) != len(texts[2]) {
		t.Errorf("in this order: %q", texts)
	}
}

// The directory of a process forgets rather than grow without end.
func TestDirectoryIsBounded(t *testing.T) {
	t.Parallel()
	d := newDirectory()
	for n := range 3 * maxKnown {
		key := itemKey{"p", instance.Block(int64(n) * instance.BlockSize)}
		if d.knows(key) {
			t.Fatalf("%v is known too early", key)
		}
		d.learn(key)
		if !d.knows(key) {
			t.Fatalf("%v is not known", key)
		}
		if len(d.known) > maxKnown {
			t.Fatalf("%d entries", len(d.known))
		}
	}
}
