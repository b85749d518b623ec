package app_test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"log/slog"
	"net/http"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"instances/pkg/app"
	"instances/pkg/auth"
	"instances/pkg/instance"
)

// broken is a repository that holds keys, and fails at everything else.
type broken struct {
	keys map[string]auth.Credential
}

var errBroken = errors.New("broken")

func (b broken) Credential(_ context.Context, hash string) (auth.Credential, error) {
	c, ok := b.keys[hash]
	if !ok {
		return auth.Credential{}, auth.ErrNoCredential
	}
	return c, nil
}

func (broken) Get(context.Context, instance.Key) (instance.Instance, error) {
	return instance.Instance{}, errBroken
}

func (broken) Search(context.Context, instance.Query) iter.Seq2[instance.Instance, error] {
	return func(yield func(instance.Instance, error) bool) { yield(instance.Instance{}, errBroken) }
}

func (broken) NextNumber(context.Context, instance.Kind) (int64, error) { return 0, errBroken }

func (broken) Create(context.Context, instance.Instance, instance.Change, *instance.Idempotency) error {
	return errBroken
}

func (broken) Update(context.Context, instance.Key, instance.Change,
	func(instance.Instance) (instance.Instance, error),
) (instance.Instance, error) {
	return instance.Instance{}, errBroken
}

// dependencies returns what functions are made of, with two keys: "reader"
// and "writer", whose secrets are their names.
func dependencies(origin string) app.Dependencies {
	b := broken{map[string]auth.Credential{}}
	for name, permission := range map[string]string{"reader": "topology:read", "writer": "topology:write"} {
		hash := auth.Hash(name)
		b.keys[hash] = auth.Credential{Name: name, Owner: name, Hash: hash, Allow: []string{permission}}
	}
	return app.Dependencies{
		Repository: b, Keys: auth.NewAuthenticator(b, time.Now), Now: time.Now,
		Logger: slog.New(slog.DiscardHandler), AllowOrigin: origin,
	}
}

// call sends a request with a key to a function.
func call(t *testing.T, f app.Function, d app.Dependencies, key string) events.APIGatewayProxyResponse {
	t.Helper()
	event, err := json.Marshal(events.APIGatewayProxyRequest{
		HTTPMethod: http.MethodPost, Path: "/x/1", PathParameters: map[string]string{"Id": "1"},
		Headers:        map[string]string{"Content-Type": "application/json", "Authorization": "Token " + key},
		Body:           `{"instanceName":"a","instanceCode":"A"}`,
		RequestContext: events.APIGatewayProxyRequestContext{RequestID: "req-1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := app.Handler(f, d).Invoke(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	var r events.APIGatewayProxyResponse
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// Each function asks for its own permission before it does anything.
func TestPermissions(t *testing.T) {
	t.Parallel()
	reading := []string{"topology-get", "topology-search"}
	for name, f := range app.Functions() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			may, mayNot := "writer", "reader"
			if slices.Contains(reading, name) {
				may, mayNot = mayNot, may
			}
			for key, want := range map[string]int{
				"nobody": http.StatusUnauthorized,
				mayNot:   http.StatusForbidden,
				may:      http.StatusInternalServerError, // and finds the repository broken
			} {
				if r := call(t, f, dependencies(""), key); r.StatusCode != want {
					t.Errorf("%s: status %d, want %d; %s", key, r.StatusCode, want, r.Body)
				}
			}
		})
	}
}

func TestCORS(t *testing.T) {
	t.Parallel()
	panics := func(app.Dependencies) http.Handler {
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("x") })
	}
	expose := []string{"ETag, Location, Link, Retry-After, X-Request-Id"}
	for origin, want := range map[string]http.Header{
		"":                  {},
		"*":                 {"Access-Control-Allow-Origin": {"*"}, "Access-Control-Expose-Headers": expose},
		"https://a.example": {"Access-Control-Allow-Origin": {"https://a.example"}, "Access-Control-Expose-Headers": expose, "Vary": {"Origin"}},
	} {
		for name, test := range map[string]struct {
			f      app.Function
			status int
		}{
			"handler's answer": {app.TopologyGet, http.StatusUnauthorized},
			"panic":            {panics, http.StatusInternalServerError},
		} {
			r := call(t, test.f, dependencies(origin), "nobody")
			if r.StatusCode != test.status {
				t.Errorf("%s: status %d", name, r.StatusCode)
			}
			for _, header := range []string{"Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Vary"} {
				if got := r.MultiValueHeaders[header]; !reflect.DeepEqual(got, want[header]) {
					t.Errorf("%s, origin %q: %s is %q, want %q", name, origin, header, got, want[header])
				}
			}
		}
	}
}
