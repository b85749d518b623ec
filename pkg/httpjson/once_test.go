package httpjson_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

func TestOnce(t *testing.T) {
	t.Parallel()
	busy := fmt.Errorf("create: %w: %w", instance.ErrUnavailable, instance.ErrConflict)
	fault := errors.New("broken")
	for name, test := range map[string]struct {
		keys   []string
		err    error // of create
		status int   // of a RequestError; 0 is none
		want   error // where it is none
	}{
		"created":                      {nil, nil, 0, nil},
		"created with a key":           {[]string{"k"}, nil, 0, nil},
		"a fault":                      {[]string{"k"}, fault, 0, fault},
		"busy":                         {nil, busy, 0, instance.ErrUnavailable},
		"busy with a key":              {[]string{"k"}, busy, 409, nil},
		"throttled with a key":         {[]string{"k"}, instance.ErrUnavailable, 0, instance.ErrUnavailable},
		"two keys":                     {[]string{"k", "k"}, nil, 400, nil},
		"an empty key":                 {[]string{""}, nil, 400, nil},
		"a key with control character": {[]string{"a\x01"}, nil, 400, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest(http.MethodPost, "/", nil)
			if test.keys != nil {
				r.Header["Idempotency-Key"] = test.keys
			}
			answer := httpjson.Answer{Status: 201, Body: []byte("{}")}
			op := httpjson.Operation{Owner: "o", Route: "POST /", Now: time.Unix(1, 0)}
			got, err := httpjson.Once(r, op, answer, func(record *instance.Idempotency) error {
				if (record != nil) != (test.keys != nil) {
					t.Errorf("got record %+v with keys %q", record, test.keys)
				}
				return test.err
			})
			switch {
			case test.status != 0:
				if e := requestError(t, err); e.Status != test.status {
					t.Errorf("got status %d, want %d", e.Status, test.status)
				}
			case !errors.Is(err, test.want):
				t.Errorf("got error %v, want %v", err, test.want)
			case err == nil && got.Status != 201:
				t.Errorf("got %+v, want the answer", got)
			}
		})
	}
}
