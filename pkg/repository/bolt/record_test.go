package bolt

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"instances/pkg/instance"
)

// drawInstance draws every field that a record holds.
func drawInstance(t *rapid.T) instance.Instance {
	text, at := rapid.String(), rapid.Int64Range(-62135596800000, 253402300799999)
	i := instance.Instance{
		Collection: text.Draw(t, "collection"), ID: text.Draw(t, "id"), Code: text.Draw(t, "code"),
		Group: text.Draw(t, "group"), SubGroup: text.Draw(t, "subgroup"), Name: text.Draw(t, "name"),
		Owner: text.Draw(t, "owner"), Status: text.Draw(t, "status"), Incarnation: text.Draw(t, "incarnation"),
		Active: rapid.Bool().Draw(t, "active"), Version: rapid.Int64().Draw(t, "version"),
		CreatedAt: time.UnixMilli(at.Draw(t, "created")).UTC(), UpdatedAt: time.UnixMilli(at.Draw(t, "updated")).UTC(),
		LastSeenAt: time.UnixMilli(at.Draw(t, "seen")).UTC(), IdleSince: time.UnixMilli(at.Draw(t, "idle")).UTC(),
	}
	if rapid.Bool().Draw(t, "attributes") {
		i.Attributes = json.RawMessage(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes"))
	}
	return i
}

func TestRecordRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		i := drawInstance(t)
		got, err := decode(i.Kind, encode(i))
		if err != nil || !reflect.DeepEqual(got, i) {
			t.Fatalf("decoded\n%+v (%v), want\n%+v", got, err, i)
		}
	})
}

// A cut or altered record is an error or another instance, never a panic.
func TestRecordDamaged(t *testing.T) {
	t.Parallel()
	whole := encode(instance.Instance{ID: "id", Name: strings.Repeat("n", 300), Version: 5})
	for cut := range len(whole) {
		if _, err := decode(instance.Kind{}, whole[:cut]); !errors.Is(err, ErrDamaged) {
			t.Errorf("%d of %d bytes: %v", cut, len(whole), err)
		}
	}
	for at := range whole {
		for _, b := range []byte{0, 0x7f, 0x80, 0xff} {
			altered := bytes.Clone(whole)
			altered[at] = b
			_, _ = decode(instance.Kind{}, altered)
			newFilter(instance.Query{Name: "x"}).match(altered)
			newFilter(instance.Query{Status: "x"}).match(altered)
		}
	}
}

// Keys sort as the parts do, and no two lists of parts share a key.
func TestPartsKeepOrder(t *testing.T) {
	t.Parallel()
	text := rapid.StringOfN(rapid.RuneFrom([]rune("\x00\x01\x02ab\u00ff")), 0, 3, -1)
	list := rapid.SliceOfN(text, 1, 3)
	rapid.Check(t, func(t *rapid.T) {
		a, b := list.Draw(t, "a"), list.Draw(t, "b")
		if got, want := bytes.Compare(parts(a...), parts(b...)), slices.Compare(a, b); got != want {
			t.Fatalf("%q to %q: keys compare as %d, parts as %d", a, b, got, want)
		}
	})
}

func TestTimesSort(t *testing.T) {
	t.Parallel()
	times := []time.Time{{}, time.UnixMilli(-1), time.UnixMilli(0), time.UnixMilli(1), time.UnixMilli(1 << 50)}
	for n := 1; n < len(times); n++ {
		if bytes.Compare(appendTime(nil, times[n-1]), appendTime(nil, times[n])) >= 0 {
			t.Errorf("%v does not sort before %v", times[n-1], times[n])
		}
	}
}
