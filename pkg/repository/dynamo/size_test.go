package dynamo_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"instances/pkg/instance"
)

// random returns n bytes of text that cannot be compressed to less than
// three quarters.
func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return base64.StdEncoding.EncodeToString(b)[:n]
}

// Answers are recorded up to what an item can hold, compressed or not, and
// come back as they were.
func TestIdempotencyAnswerSizes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for n, test := range []struct {
		name   string
		answer string
		ok     bool
	}{
		{"none", "", true},
		{"small", `{"a":1}`, true},
		{"large", random(300 << 10), true},
		{"very large, repetitive", strings.Repeat(`{"text":"text"}`, 100_000), true},
		{"larger than an item", random(800 << 10), false},
	} {
		idem := &instance.Idempotency{
			Owner: "o", Route: "r", Key: test.name, Fingerprint: "f", Answer: func(instance.Instance) ([]byte, error) { return []byte(test.answer), nil },
			ExpiresAt: time.Now().Add(time.Hour).UTC().Truncate(time.Second),
		}
		i := f.fresh(int64(n) + 1)
		err := f.Create(t.Context(), i, f.change("create"), idem)
		if !test.ok {
			if !errors.Is(err, instance.ErrTooLarge) {
				t.Errorf("%s: error is %v, want %v", test.name, err, instance.ErrTooLarge)
			}
			if _, err := f.Get(t.Context(), i.Key()); !errors.Is(err, instance.ErrNotFound) {
				t.Errorf("%s: get: %v", test.name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		err = f.Create(t.Context(), f.fresh(90), f.change("create"), idem)
		again, ok := errors.AsType[*instance.RepeatedError](err)
		if !ok {
			t.Errorf("%s: error is %v", test.name, err)
			continue
		}
		if string(again.Answer) != test.answer || again.Fingerprint != "f" {
			t.Errorf("%s: another record came back", test.name)
		}
	}
}

// A history record of a very large change is stored, in brief where it must.
func TestHistorySizes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	// Many small random fields, all of which change: nothing to compress, and
	// no value big enough for a hash.
	many := func() json.RawMessage {
		fields := map[string]string{}
		for range 360 {
			fields[random(20)] = random(780)
		}
		b, err := json.Marshal(fields)
		must(t, err)
		return b
	}
	i := f.fresh(1)
	i.Attributes = many()
	if i.StoredSize() > instance.MaxStoredBytes {
		t.Fatalf("%d bytes are too many for this test", i.StoredSize())
	}
	must(t, f.Create(t.Context(), i, f.change("create"), nil))
	after := i
	after.Attributes, after.Name = many(), "new"
	must(t, failure(f.Replace(t.Context(), i, after, f.change("replace"), nil)))
	var events []instance.Event
	for e, err := range f.History(t.Context(), instance.HistoryQuery{Key: i.Key()}) {
		must(t, err)
		events = append(events, e)
	}
	if len(events) != 2 || len(events[1].Fields) < 360 {
		t.Fatalf("%d events", len(events))
	}
	got := fmt.Sprintf("%s", events[0].Fields)
	if len(events[0].Fields) != 2 || !containsAll(got, "attributes", "sha256:", "name", "new") {
		t.Errorf("fields are %.300s", got)
	}
}

// An instance that fits by itself but not with its index keys is too large,
// and an id that no key can hold is nobody's.
func TestInstanceSizes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	i := f.fresh(1)
	i.Name = random(250 << 10)
	if err := f.Create(t.Context(), i, f.change("create"), nil); !errors.Is(err, instance.ErrTooLarge) {
		t.Errorf("error is %v, want %v", err, instance.ErrTooLarge)
	}
	for _, kind := range []instance.Kind{{Name: "named"}, timed()} {
		i = f.fresh(1)
		i.Kind, i.ID = kind, random(2000)
		if err := f.Create(t.Context(), i, f.change("create"), nil); !errors.Is(err, instance.ErrTooLarge) {
			t.Errorf("error is %v, want %v", err, instance.ErrTooLarge)
		}
		f.wire.inject(nil)
		if _, err := f.Get(t.Context(), i.Key()); !errors.Is(err, instance.ErrNotFound) {
			t.Errorf("get: %v", err)
		}
		if err := f.Delete(t.Context(), i.Key(), f.change("delete"), nil, nil); !errors.Is(err, instance.ErrNotFound) {
			t.Errorf("delete: %v", err)
		}
		if _, err := f.Restore(t.Context(), i.Key(), f.change("restore")); !errors.Is(err, instance.ErrNotFound) {
			t.Errorf("restore: %v", err)
		}
		if err := f.Touch(t.Context(), i.Key(), time.Now()); !errors.Is(err, instance.ErrNotFound) {
			t.Errorf("touch: %v", err)
		}
		if got := f.operations(t, i.Key()); got != "[]" {
			t.Errorf("history is %s", got)
		}
		if n := len(f.wire.sent()); n != 0 {
			t.Errorf("%d calls for what cannot be", n)
		}
	}
	// The longest keys are taken, with a pointer too.
	for n, kind := range []instance.Kind{{Name: "named"}, timed()} {
		i = f.fresh(int64(n) + 1)
		i.Kind, i.ID = kind, random(900-len(i.Collection))
		must(t, f.Create(t.Context(), i, f.change("create"), nil))
		must(t, f.Delete(t.Context(), i.Key(), f.change("delete"), nil, nil))
		must(t, failure(f.Restore(t.Context(), i.Key(), f.change("restore"))))
		q := instance.Query{Kind: kind, Collections: []string{i.Collection}, Group: "group"}
		if q, err := q.Resume(q.Cursor(i)); err != nil || ids(t, f.Search(t.Context(), q)) != "[]" {
			t.Errorf("the cursor of the last answer: %v", err)
		}
	}
}

// A document may be as large as an instance, whatever it holds.
func TestDocumentSizes(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	data := []byte(random(instance.MaxStoredBytes))
	must(t, f.SetDocument(t.Context(), "document", data))
	if got, err := f.Document(t.Context(), "document"); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes came back, %v", len(got), err)
	}
}
