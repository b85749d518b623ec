package httpjson_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"instances/pkg/auth"
	"instances/pkg/httpjson"
)

// keyring has the keys whose hashes are in it.
type keyring map[string]auth.Credential

func (k keyring) Credential(_ context.Context, hash string) (auth.Credential, error) {
	if c, ok := k[hash]; ok {
		return c, nil
	}
	return auth.Credential{}, auth.ErrNoCredential
}

func (k keyring) NamedCredential(context.Context, string) (auth.Credential, error) {
	return auth.Credential{}, auth.ErrNoCredential
}

// An answer is written as it is returned, and an error as the dialect
// describes it: nothing of it is seen where the dialect does not say it.
func TestHandler(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken: secret")
	keys := auth.NewAuthenticator(keyring{
		auth.Hash("good"): {Name: "alice", Owner: "team", Allow: []string{"x:read"}},
		auth.Hash("poor"): {Name: "bob", Owner: "team", Allow: []string{"x:write"}},
	}, time.Now)
	dialect := httpjson.Errors{ContentType: "text/problem", Challenge: "Token", Describe: func(r *http.Request, err error) (int, any) {
		switch {
		case errors.Is(err, auth.ErrUnauthenticated):
			return 401, r.URL.Path
		case errors.As(err, new(*auth.ForbiddenError)):
			return 403, err.Error()
		case err.Error() == "busy":
			return 503, "later"
		case err.Error() == "no JSON":
			return 400, func() {}
		}
		return 500, "fault"
	}}
	for name, test := range map[string]struct {
		secret string
		answer httpjson.Answer
		err    error
		status int
		body   string
		header http.Header
		logged bool
	}{
		"an answer": {
			"good",
			httpjson.Answer{Status: 201, ContentType: "a/b", ETag: `"e"`, Location: "/l", Header: http.Header{"Link": {"<n>"}}, Body: []byte("{}")},
			nil, 201, "{}",
			http.Header{"Content-Type": {"a/b"}, "Etag": {`"e"`}, "Location": {"/l"}, "Link": {"<n>"}, "Content-Length": {"2"}},
			false,
		},
		"no body":        {"good", httpjson.Answer{Status: 204}, nil, 204, "", http.Header{}, false},
		"no key":         {"", httpjson.Answer{}, nil, 401, `"/path"`, http.Header{"Www-Authenticate": {"Token"}}, false},
		"a wrong key":    {"bad", httpjson.Answer{}, nil, 401, `"/path"`, http.Header{"Www-Authenticate": {"Token"}}, false},
		"a poor key":     {"poor", httpjson.Answer{}, nil, 403, `"the key lacks the permission x:read"`, http.Header{}, false},
		"busy":           {"good", httpjson.Answer{Status: 200}, errors.New("busy"), 503, `"later"`, http.Header{"Retry-After": {"1"}}, true},
		"a fault":        {"good", httpjson.Answer{Status: 200, Body: []byte("x")}, broken, 500, `"fault"`, http.Header{}, true},
		"no JSON for it": {"good", httpjson.Answer{}, errors.New("no JSON"), 500, "", http.Header{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := dialect.Secure(keys, "x:read", func(_ *http.Request, who auth.Principal) (httpjson.Answer, error) {
				if who.Name != "alice" {
					t.Errorf("got the principal %+v", who)
				}
				return test.answer, test.err
			})
			var log bytes.Buffer
			r := httptest.NewRequest(http.MethodGet, "/path", nil)
			r = r.WithContext(httpjson.WithLogger(r.Context(), slog.New(slog.NewTextHandler(&log, nil))))
			if test.secret != "" {
				r.Header.Set("Authorization", "Token "+test.secret)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != test.status || w.Body.String() != test.body {
				t.Errorf("got %d %q, want %d %q", w.Code, w.Body, test.status, test.body)
			}
			if test.status >= 400 && test.body != "" && w.Header().Get("Content-Type") != "text/problem" {
				t.Errorf("the type of the error is %q", w.Header().Get("Content-Type"))
			}
			for name, want := range test.header {
				if got := w.Header()[name]; len(got) != 1 || got[0] != want[0] {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			if logged := strings.Contains(log.String(), "request failed"); logged != test.logged {
				t.Errorf("the log is %q", log.String())
			}
		})
	}
}

func TestOpen(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	httpjson.Errors{}.Open(func(_ *http.Request, who auth.Principal) (httpjson.Answer, error) {
		return httpjson.NewAnswer(200, who.Name == "" && who.Owner == "")
	}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != 200 || w.Body.String() != "true" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// A HEAD is handled like a GET, and its answer has no body and no length.
func TestHeadAnswer(t *testing.T) {
	t.Parallel()
	h := httpjson.Errors{}.Open(func(*http.Request, auth.Principal) (httpjson.Answer, error) {
		return httpjson.Answer{Status: 200, ContentType: "application/json", ETag: `"1"`, Body: []byte("{}")}, nil
	})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodHead, "/", nil))
	if got := w.Header(); w.Code != 200 || w.Body.Len() > 0 || len(got) != 2 || got.Get("ETag") != `"1"` || got.Get("Content-Type") != "application/json" {
		t.Errorf("got %d %v %q", w.Code, got, w.Body)
	}
}
