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

func TestValid(t *testing.T) {
	t.Parallel()
	number := instance.Kind{Name: "numbered", Order: instance.OrderNumber}
	text := instance.Kind{Name: "named"}
	timed := instance.Kind{Name: "timed", Order: instance.OrderTime}
	for _, test := range []struct {
		kind       instance.Kind
		collection string
		id         string
		want       bool
	}{
		{number, "c", "1", true},
		{number, "c", "9223372036854775807", true},
		{number, "c", "9223372036854775808", false},
		{number, "c", "0", false},
		{number, "c", "-1", false},
		{number, "c", "+1", false},
		{number, "c", "01", false},
		{number, "c", "x", false},
		{number, "c", "", false},
		{text, "c", "01", true},
		{text, "c", "", false},
		{text, "a\x00b", "x", false},
		{text, strings.Repeat("c", maxKeyBytes), "x", false},
		{text, strings.Repeat("c", maxKeyBytes-1), "x", true},
		{timed, "c", "x", true},
		{timed, "c", "", false},
		{timed, "a\x00b", "x", false},
		{timed, "c", strings.Repeat("x", maxKeyBytes), false},
	} {
		if got := valid(instance.Key{Kind: test.kind, Collection: test.collection, ID: test.id}); got != test.want {
			t.Errorf("%s %q in %q is valid: %v", test.kind, test.id, test.collection, got)
		}
	}
}

// The longest keys that are allowed stay within what DynamoDB allows.
func TestKeyLimits(t *testing.T) {
	t.Parallel()
	i := instance.Instance{
		Kind:       instance.Kind{Name: strings.Repeat("k", 32), Order: instance.OrderTime},
		Collection: strings.Repeat("c", maxKeyBytes/2), ID: strings.Repeat("i", maxKeyBytes/2), Code: strings.Repeat("c", 5000), Group: strings.Repeat("g", 5000),
		SubGroup: strings.Repeat("s", 5000), Status: strings.Repeat("s", 5000), Name: "name",
		Incarnation: instance.NewIncarnation(),
	}
	item, err := newItem(i, layout{})
	if err != nil {
		t.Fatal(err)
	}
	const maxSort = 1024
	guard, trash := guardKey(i.Kind, i.Code), trashKey(i, time.Now())
	for name, key := range map[string]itemKey{
		"instance": item.itemKey, "guard": guard, "trash": trash,
		"code": {item.CodePartition, item.CodeSort}, "group": {item.GroupPartition, item.GroupSort},
		"subgroup": {item.SubPartition, item.SubSort}, "status": {item.StatusPartition, item.StatusSort},
		"name": {item.NamePartition, item.SK}, "history": {historyPartition(i.Key()), ""},
		"directory": directoryKey(i.Kind, i.Collection), "pointer": pointerKey(i.Key()),
	} {
		if len(key.PK) > maxPartitionBytes || len(key.SK) > maxSort {
			t.Errorf("%s: keys of %d and %d bytes", name, len(key.PK), len(key.SK))
		}
	}
	// The place of every instance can be a position.
	n := instance.Instance{Kind: instance.Kind{Order: instance.OrderNumber}, Collection: strings.Repeat("c", maxKeyBytes-1), ID: "1"}
	for _, i := range []instance.Instance{i, n} {
		if p := (instance.Position{Collection: i.Collection, SortKey: i.SortKey()}); !valid(i.Key()) || !validPosition(p) {
			t.Errorf("%+v is no position", p)
		}
	}
}

// An instance is in no index for a text that it does not have.
func TestIndexKeysOfNothing(t *testing.T) {
	t.Parallel()
	bare := instance.Instance{Kind: instance.Kind{Name: "kind"}, Collection: "c", ID: "i"}
	if keys := newIndexKeys(bare, "i", layout{}); keys != (indexKeys{}) {
		t.Errorf("keys are %+v", keys)
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
	d, now := newDirectory(), time.Now()
	for n := range 3 * maxKnown {
		key := itemKey{"p", instance.Block(int64(n) * instance.BlockSize)}
		if d.knows(key, now) {
			t.Fatalf("%v is known too early", key)
		}
		d.learn(key, now)
		if !d.knows(key, now) {
			t.Fatalf("%v is not known", key)
		}
		if len(d.known) > maxKnown {
			t.Fatalf("%d entries", len(d.known))
		}
	}
}
