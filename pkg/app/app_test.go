package app_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"

	"instances/pkg/app"
	"instances/pkg/auth"
	"instances/pkg/repository/bolt"
)

// keys are all the keys there are, by the hashes of their secrets.
type keys map[string]auth.Credential

func (k keys) Credential(_ context.Context, hash string) (auth.Credential, error) {
	c, ok := k[hash]
	if !ok {
		return auth.Credential{}, auth.ErrNoCredential
	}
	return c, nil
}

func (keys) NamedCredential(context.Context, string) (auth.Credential, error) {
	return auth.Credential{}, auth.ErrNoCredential
}

// dependencies returns what functions are made of, with a key for each
// permission, whose name and secret are the permission, and a repository that is
// broken.
func dependencies(t *testing.T, origin string) app.Dependencies {
	t.Helper()
	r, err := bolt.Open(filepath.Join(t.TempDir(), "instances.db"), bolt.Options{NoSync: true})
	if err == nil {
		err = r.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	k := keys{}
	for _, permission := range app.Permissions() {
		hash := auth.Hash(permission)
		k[hash] = auth.Credential{Name: permission, Owner: permission, Hash: hash, Allow: []string{permission}}
	}
	return app.Dependencies{
		Repository: r, Keys: auth.NewAuthenticator(k, time.Now), Now: time.Now,
		Logger: slog.New(slog.DiscardHandler), AllowOrigin: origin, SilentAfter: 15 * time.Minute,
	}
}

const uuid = "01890a5d-ac96-774b-bcce-b302099a8057"

// call sends a request with a key to a function. It is one that every function
// would take, the parameters of the query aside.
func call(t *testing.T, f app.Function, d app.Dependencies, key string, query map[string][]string) events.APIGatewayProxyResponse {
	t.Helper()
	event, err := json.Marshal(events.APIGatewayProxyRequest{
		HTTPMethod: http.MethodPost, Path: "/x/1", PathParameters: map[string]string{"Id": "1", "uuid": uuid, "id": uuid},
		Headers:                         map[string]string{"Content-Type": "application/json", "Authorization": "Token " + key},
		MultiValueQueryStringParameters: query,
		Body: `{"instanceName":"a","instanceCode":"A","name":"a","ask_price":1,"image_registry_path":"a",` +
			`"id":"a","idRef":"a","mode":"ExecSync","user":"a","input":"a"}`,
		RequestContext: events.APIGatewayProxyRequestContext{RequestID: "req-1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := f(d).Invoke(t.Context(), event)
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
	reading := []string{
		"topology-get", "topology-search", "topology-history", "compute-list", "compute-get", "compute-images", "compute-gpus",
		"execution-get", "execution-list",
	}
	for name, f := range app.Functions() {
		// The first has no permission to ask for, the second no client.
		if name == "compute-token-auth" || name == "cleanup" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dialect, _, _ := strings.Cut(name, "-")
			may := dialect + ":write"
			if slices.Contains(reading, name) {
				may = dialect + ":read"
			}
			query := map[string][]string{}
			if name == "compute-images" {
				query["instance"] = []string{uuid}
			}
			d := dependencies(t, "")
			for _, key := range append(app.Permissions(), "nobody") {
				want := http.StatusForbidden
				switch key {
				case "nobody":
					want = http.StatusUnauthorized
				case may:
					want = http.StatusInternalServerError // It finds the repository broken.
				}
				if r := call(t, f, d, key, query); r.StatusCode != want {
					t.Errorf("%s: status %d, want %d; %s", key, r.StatusCode, want, r.Body)
				}
			}
		})
	}
}

// Who asks for a token has none yet.
func TestTokenAuthIsOpen(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]int{
		`{"username":"compute:read","password":"compute:read"}`:   http.StatusOK,
		`{"username":"compute:read","password":"topology:write"}`: http.StatusBadRequest,
	} {
		event, err := json.Marshal(events.APIGatewayProxyRequest{HTTPMethod: http.MethodPost, Path: "/x", Body: body})
		if err != nil {
			t.Fatal(err)
		}
		out, err := app.ComputeTokenAuth(dependencies(t, "")).Invoke(t.Context(), event)
		if err != nil {
			t.Fatal(err)
		}
		var r events.APIGatewayProxyResponse
		if err := json.Unmarshal(out, &r); err != nil || r.StatusCode != want {
			t.Errorf("%s is answered %s, %v; want status %d", body, out, err, want)
		}
	}
}

func TestHeader(t *testing.T) {
	t.Parallel()
	panics := func(d app.Dependencies) lambda.Handler {
		return app.Serve(d, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("x") }))
	}
	expose := []string{"ETag, Location, Link, Retry-After, X-Request-Id"}
	for origin, want := range map[string]http.Header{
		"":  {"Vary": {"Accept-Encoding"}},
		"*": {"Access-Control-Allow-Origin": {"*"}, "Access-Control-Expose-Headers": expose, "Vary": {"Accept-Encoding"}},
		"https://a.example": {
			"Access-Control-Allow-Origin": {"https://a.example"}, "Access-Control-Expose-Headers": expose,
			"Vary": {"Accept-Encoding", "Origin"},
		},
	} {
		for name, test := range map[string]struct {
			f      app.Function
			status int
		}{
			"handler's answer": {app.TopologyGet, http.StatusUnauthorized},
			"panic":            {panics, http.StatusInternalServerError},
			"list":             {app.ComputeList, http.StatusUnauthorized},
		} {
			r := call(t, test.f, dependencies(t, origin), "nobody", nil)
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
