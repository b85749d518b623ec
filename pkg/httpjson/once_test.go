package httpjson_test

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"instances/pkg/httpjson"
	"instances/pkg/instance"
)

// stored is what the writes of the tests store.
func stored() instance.Instance { return instance.Instance{Incarnation: "i", Version: 7} }

// answered is the answer about i.
func answered(i instance.Instance) (httpjson.Answer, error) {
	return httpjson.Answer{Status: 201, ETag: httpjson.ETag(i.Revision()), Body: []byte("{}")}, nil
}

// keyed returns a request with these Idempotency-Keys.
func keyed(target string, keys ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, target, nil)
	if keys != nil {
		r.Header["Idempotency-Key"] = keys
	}
	return r
}

func TestOnce(t *testing.T) {
	t.Parallel()
	busy := fmt.Errorf("create: %w: %w", instance.ErrUnavailable, instance.ErrConflict)
	fault := errors.New("broken")
	for name, test := range map[string]struct {
		keys     []string
		resource string
		err      error // of write
		status   int   // of a RequestError; 0 is none
		want     error // where it is none
	}{
		"written":                      {nil, "", nil, 0, nil},
		"written with a key":           {[]string{"k"}, "", nil, 0, nil},
		"a fault":                      {[]string{"k"}, "", fault, 0, fault},
		"busy":                         {nil, "", busy, 0, instance.ErrUnavailable},
		"busy with a key":              {[]string{"k"}, "", busy, 409, nil},
		"busy with others":             {[]string{"k"}, "id", busy, 0, instance.ErrUnavailable},
		"throttled with a key":         {[]string{"k"}, "", instance.ErrUnavailable, 0, instance.ErrUnavailable},
		"two keys":                     {[]string{"k", "k"}, "", nil, 400, nil},
		"an empty key":                 {[]string{""}, "", nil, 400, nil},
		"a key with control character": {[]string{"a\x01"}, "", nil, 400, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			op := httpjson.Operation{Change: instance.Change{Owner: "o", At: time.Unix(1, 0)}, Route: "POST /", Resource: test.resource}
			got, err := httpjson.Once(keyed("/", test.keys...), op, answered, func(record *instance.Idempotency) (instance.Instance, error) {
				if (record != nil) != (test.keys != nil) {
					t.Errorf("got record %+v with keys %q", record, test.keys)
				}
				return stored(), test.err
			})
			switch {
			case test.status != 0:
				if e := requestError(t, err); e.Status != test.status {
					t.Errorf("got status %d, want %d", e.Status, test.status)
				}
			case !errors.Is(err, test.want):
				t.Errorf("got error %v, want %v", err, test.want)
			case err == nil && (got.Status != 201 || got.ETag != `"i.7"`):
				t.Errorf("got %+v, want the answer", got)
			}
		})
	}
}

// Requests are compared by what they mean, and numbers as they are written.
func TestOnceComparesMeaning(t *testing.T) {
	t.Parallel()
	type request struct{ target, resource, body string }
	const body = `{"name":"a/é","list":[1,{"x":1.0,"y":null}],"n":12345678901234567890}`
	base := request{"/?b=1&a=2&a=1", "id", body}
	for name, test := range map[string]struct {
		again request
		same  bool
	}{
		"the same":              {base, true},
		"order and white space": {request{base.target, "id", ` { "n" : 12345678901234567890 , "list":[1, {"y":null,"x":1.0}],"name":"a/é"}`}, true},
		"escapes":               {request{base.target, "id", `{"n\u0061me":"\u0061\/\u00e9","list":[1,{"x":1.0,"y":null}],"n":12345678901234567890}`}, true},
		"the last of two":       {request{base.target, "id", `{"name":"b","name":"a/é","list":[1,{"x":2,"x":1.0,"y":null}],"n":12345678901234567890}`}, true},
		"order of parameters":   {request{"/?a=2&a=1&b=1&_=17", "id", body}, true},
		"another resource":      {request{base.target, "other", body}, false},
		"another parameter":     {request{"/?b=1&a=2", "id", body}, false},
		"another number":        {request{base.target, "id", strings.Replace(body, "890}", "891}", 1)}, false},
		"a number as text":      {request{base.target, "id", strings.Replace(body, "[1,", `["1",`, 1)}, false},
		"another spelling":      {request{base.target, "id", strings.Replace(body, "1.0", "1", 1)}, false},
		"another order":         {request{base.target, "id", `{"name":"a/é","list":[{"x":1.0,"y":null},1],"n":12345678901234567890}`}, false},
		"null left out":         {request{base.target, "id", strings.Replace(body, `,"y":null`, "", 1)}, false},
		"a member more":         {request{base.target, "id", strings.Replace(body, "{", `{"more":1,`, 1)}, false},
		"another text":          {request{base.target, "id", strings.Replace(body, "é", "e\u0301", 1)}, false},
		"another case":          {request{base.target, "id", strings.Replace(body, "name", "Name", 1)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var kept *instance.RepeatedError
			once := func(r request) (httpjson.Answer, error) {
				op := httpjson.Operation{Resource: r.resource}
				if err := json.Unmarshal([]byte(r.body), &op.Members); err != nil {
					t.Fatal(err)
				}
				return httpjson.Once(keyed(r.target, "k"), op, answered, func(record *instance.Idempotency) (instance.Instance, error) {
					if kept != nil {
						return instance.Instance{}, fmt.Errorf("update: %w", kept)
					}
					answer, err := record.Answer(stored())
					kept = &instance.RepeatedError{Fingerprint: record.Fingerprint, Answer: answer}
					return stored(), err
				})
			}
			first, err := once(base)
			if err != nil {
				t.Fatal(err)
			}
			again, err := once(test.again)
			switch {
			case !test.same:
				if e := requestError(t, err); e.Status != 422 {
					t.Errorf("got status %d, want 422", e.Status)
				}
			case err != nil || !reflect.DeepEqual(again, first):
				t.Errorf("got %+v, %v, want %+v", again, err, first)
			}
		})
	}
}

// A record that an earlier version kept holds the hash of the body as it was sent.
func TestOnceComparesEarlierRecords(t *testing.T) {
	t.Parallel()
	const body = `{ "a": 1 }`
	kept := &instance.RepeatedError{
		Fingerprint: fmt.Sprintf("%x", sha256.Sum256([]byte(body))),
		Answer:      []byte(`{"status":201,"etag":"\"i.7\"","body":"e30="}`),
	}
	once := func(body string) (httpjson.Answer, error) {
		op := httpjson.Operation{Body: []byte(body)}
		if err := json.Unmarshal(op.Body, &op.Members); err != nil {
			t.Fatal(err)
		}
		return httpjson.Once(keyed("/", "k"), op, answered, func(*instance.Idempotency) (instance.Instance, error) {
			return instance.Instance{}, kept
		})
	}
	want, _ := answered(stored())
	if got, err := once(body); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	if e := requestError(t, second(once(`{"a":1}`))); e.Status != 422 {
		t.Errorf("got status %d, want 422", e.Status)
	}
}

// second returns the error of a call.
func second(_ httpjson.Answer, err error) error { return err }
