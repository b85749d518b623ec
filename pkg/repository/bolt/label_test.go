package bolt

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"instances/pkg/instance"
)

// Labels that are set and removed in any order are found by their parts, in the
// order of their positions, and leave nothing behind.
func TestLabels(t *testing.T) {
	t.Parallel()
	r := openTest(t, Options{})
	other := instance.Kind{Name: "labelled after"}
	if err := r.file.update(func(tx *bbolt.Tx) error { return setLabel(tx, other, parts("c", "1"), "aab") }); err != nil {
		t.Fatal(err)
	}
	kind := instance.Kind{Name: "labelled"}
	text := rapid.OneOf(
		rapid.StringOfN(rapid.RuneFrom([]rune("ab")), 1, 8, -1),
		rapid.StringOfN(rapid.RuneFrom([]rune("ab")), 100, 1200, -1),
	)
	rapid.Check(t, func(t *rapid.T) {
		texts := map[string]string{}
		set := func(position []byte, text string) {
			if err := r.file.update(func(tx *bbolt.Tx) error { return setLabel(tx, kind, position, text) }); err != nil {
				t.Fatal(err)
			}
			texts[string(position)] = text
			if text == "" {
				delete(texts, string(position))
			}
		}
		for range rapid.IntRange(1, 60).Draw(t, "writes") {
			position := parts(rapid.SampledFrom([]string{"c", "cc", "d"}).Draw(t, "collection"), strconv.Itoa(rapid.IntRange(1, 40).Draw(t, "n")))
			set(position, rapid.OneOf(rapid.Just(""), text, text).Draw(t, "text"))
		}
		part := rapid.StringOfN(rapid.RuneFrom([]rune("ab")), 1, 12, -1).Draw(t, "part")
		from := parts(rapid.SampledFrom([]string{"", "cc", "d"}).Draw(t, "from"))
		var found, want []string
		for position, text := range texts {
			if strings.Contains(text, part) && position >= string(from) {
				want = append(want, position)
			}
		}
		slices.Sort(want)
		if err := r.file.view(func(tx *bbolt.Tx) error {
			look := findNames(tx, kind, []byte(part))
			for at, _, ok := look(from); at != nil; at, _, ok = look(at) {
				if ok {
					found = append(found, string(at))
					at = appendNext(nil, at)
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(found, want) {
			t.Fatalf("%q from %q is found at %q, want %q, in %q", part, from, found, want, texts)
		}
		for position := range maps.Clone(texts) {
			set([]byte(position), "")
		}
	})
	wantKeys(t, r, map[string]int{labelsBucket: 1})
}

// A value that is cut off is damage, and not a way out of its bounds.
func TestLabelsDamaged(t *testing.T) {
	t.Parallel()
	whole := writeLabels([]label{{[]byte("position 1"), []byte("one")}, {[]byte("position 2"), []byte("two")}})
	read := func(value []byte) (err error) {
		defer func() {
			if p := recover(); p != nil {
				err, _ = faulted(p)
			}
		}()
		if l := newLabels(value); l.find([]byte("two")) && !bytes.Equal(l.appendPosition(nil), []byte("position 2")) {
			return damaged("another was found")
		}
		readLabels(value)
		return nil
	}
	if err := read(whole); err != nil {
		t.Error(err)
	}
	for cut := range len(whole) {
		if err := read(whole[:cut]); err == nil || strings.Contains(err.Error(), "runtime error") {
			t.Errorf("%d of %d bytes: %v", cut, len(whole), err)
		}
	}
}
