package repositorytest

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"testing"

	"instances/pkg/instance"
)

// testDocument covers the documents of the operator.
func testDocument(t *testing.T, open Opener) {
	want := func(t *testing.T, f *fixture, name string, data []byte) {
		t.Helper()
		if got, err := f.Document(t.Context(), name); err != nil || !bytes.Equal(got, data) {
			t.Fatalf("document %s has %d bytes, %v, want %d bytes", name, len(got), err, len(data))
		}
	}

	t.Run("comes back", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		_, err := f.Document(t.Context(), "first")
		wantError(t, err, instance.ErrNotFound)
		for _, data := range [][]byte{
			[]byte(`[{"a": 1}]`), []byte("\x00\xff no text"), nil, []byte(strings.Repeat("long ", 10_000)), []byte("short"),
		} {
			if err := f.SetDocument(t.Context(), "first", data); err != nil {
				t.Fatal(err)
			}
			want(t, f, "first", data)
		}
		_, err = f.Document(t.Context(), "firs")
		wantError(t, err, instance.ErrNotFound)
		if err := f.SetDocument(t.Context(), "second", []byte("2")); err != nil {
			t.Fatal(err)
		}
		want(t, f, "first", []byte("short"))
		want(t, f, "second", []byte("2"))
	})

	t.Run("limit", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		largest := bytes.Repeat([]byte("12345678"), instance.MaxStoredBytes/8)
		if err := f.SetDocument(t.Context(), "large", largest); err != nil {
			t.Fatal(err)
		}
		wantError(t, f.SetDocument(t.Context(), "large", append(largest, 'x')), instance.ErrTooLarge)
		want(t, f, "large", largest)
	})

	t.Run("parallel", func(t *testing.T) {
		t.Parallel()
		f := start(t, open)
		errs := parallel(8, func(k int) error { return f.SetDocument(t.Context(), "one", []byte(strconv.Itoa(k))) })
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		if got, err := f.Document(t.Context(), "one"); err != nil || len(got) != 1 || got[0] < '0' || got[0] > '7' {
			t.Errorf("document is %q, %v", got, err)
		}
	})
}
