package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"instances/pkg/app/apptest/contract"
	"instances/pkg/app/local"
	"instances/pkg/auth"
	"instances/pkg/compute"
	"instances/pkg/gateway"
	"instances/pkg/repository/bolt"
	"instances/pkg/template"
	"instances/pkg/topology"
)

// deployment is the API as AWS deploys it, with its stage in the path.
type deployment struct {
	api        http.Handler
	url        string
	repository *bolt.Repository
}

// load reads the template, which takes long.
func load(t *testing.T) *template.Template {
	t.Helper()
	tmpl, err := template.Load(filepath.Join("..", "..", "..", "template.yaml"), template.With("StageName", "dev"))
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

// deploy serves the API to the program, through the handler that around
// returns unless around is nil.
func deploy(t *testing.T, tmpl *template.Template, around func(api http.Handler) http.Handler) deployment {
	t.Helper()
	r, err := bolt.Open(filepath.Join(t.TempDir(), "instances.db"), bolt.Options{Now: time.Now, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	functions, err := local.New(tmpl, local.Options{
		Repository: r, Keys: auth.NewAuthenticator(r, time.Now), Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	api, err := gateway.New(tmpl, functions, gateway.Options{StageInPath: true})
	if err != nil {
		t.Fatal(err)
	}
	api = contract.Handler(t, api)
	front := api
	if around != nil {
		front = around(api)
	}
	server := httptest.NewServer(front)
	t.Cleanup(server.Close)
	return deployment{api, server.URL + "/dev", r}
}

// mint creates a key and returns its secret.
func (d deployment) mint(t *testing.T, name string, allow ...string) string {
	t.Helper()
	secret, err := auth.Mint(t.Context(), d.repository, auth.NewKey{
		Name: name, Owner: "test", Allow: allow, Profiles: map[string]string{"compute": compute.ClientProfile},
	}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// left fails unless there are no instances.
func (d deployment) left(t *testing.T) {
	t.Helper()
	secret := d.mint(t, "reader", auth.AllowAll)
	for _, list := range []string{topology.BasePath, compute.BasePath + "/", "/instances/list"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/dev"+list, nil)
		r.SetBasicAuth("reader", secret)
		w := httptest.NewRecorder()
		d.api.ServeHTTP(w, r)
		if strings.TrimSpace(w.Body.String()) != "[]" {
			t.Errorf("%s has %s", list, w.Body)
		}
	}
}

// smoke runs the program.
func (d deployment) smoke(ctx context.Context, secret string) (code int, stdout, stderr string) {
	var out, problems bytes.Buffer
	environment := map[string]string{"KEY": "test:" + secret}
	code = run(ctx, []string{"--url", d.url}, func(name string) string { return environment[name] }, &out, &problems)
	return code, out.String(), problems.String()
}

// lines returns the lines of output with a result.
func lines(output, result string) []string {
	return slices.DeleteFunc(strings.Split(output, "\n"), func(l string) bool { return !strings.HasPrefix(l, result+" ") })
}

// A key that may do everything passes all steps, and nothing is left.
func TestStories(t *testing.T) {
	t.Parallel()
	d := deploy(t, load(t), nil)
	secret := d.mint(t, "test", auth.AllowAll)
	code, stdout, stderr := d.smoke(t.Context(), secret)
	if code != 0 || stderr != "" {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	if n := len(lines(stdout, "ok")); n < 40 || len(lines(stdout, "skip")) > 0 || !strings.Contains(stdout, "all is well") {
		t.Errorf("%d steps passed:\n%s", n, stdout)
	}
	if strings.Contains(stdout, secret) {
		t.Error("the secret is printed")
	}
	d.left(t)
}

// What a key may not do is skipped, and the output says so.
func TestPartialKeys(t *testing.T) {
	t.Parallel()
	tmpl := load(t)
	for _, test := range []struct {
		name    string
		allow   []string
		ok      int
		lacking []string
	}{
		{"compute", []string{"compute:read", "compute:write"}, 8 + 16, []string{"topology:read", "topology:write", "execution:read", "execution:write"}},
		{"execution", []string{"execution:read", "execution:write"}, 8 + 1 + 8, []string{"topology:read", "topology:write", "compute:read", "compute:write"}},
		{"reading", []string{"topology:read", "compute:read", "execution:read"}, 8 + 2 + 3 + 1, []string{"topology:write", "compute:write", "execution:write"}},
		{"writing", []string{"compute:write", "execution:write"}, 8 + 10 + 4, []string{"topology:read", "topology:write", "compute:read", "execution:read"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := deploy(t, tmpl, nil)
			code, stdout, stderr := d.smoke(t.Context(), d.mint(t, "test", test.allow...))
			if code != 0 {
				t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
			}
			if n := len(lines(stdout, "ok")); n != test.ok {
				t.Errorf("%d steps passed, not %d:\n%s", n, test.ok, stdout)
			}
			skipped := strings.Join(lines(stdout, "skip"), "\n")
			for _, permission := range test.lacking {
				if !strings.Contains(skipped, "the key lacks "+permission) {
					t.Errorf("nothing is skipped for %s:\n%s", permission, stdout)
				}
			}
			d.left(t)
		})
	}
}

// A run that tested nothing is not a success.
func TestUselessKeys(t *testing.T) {
	t.Parallel()
	d := deploy(t, load(t), nil)
	for name, test := range map[string]struct{ secret, want string }{
		"without permissions": {d.mint(t, "test", "other:read"), "no permission at all"},
		"unknown":             {"wrong", "topology, lists a page: GET /flexdeploy/rest/v1/topology/instance?limit=1 answered 401"},
	} {
		if code, _, stderr := d.smoke(t.Context(), test.secret); code != exitFailed || !strings.Contains(stderr, test.want) {
			t.Errorf("%s: exit code %d, %s", name, code, stderr)
		}
	}
}

// instead has misbehave answer the nth request, or every request if nth is 0,
// with this method and a path that contains part.
func instead(method, part string, nth int, misbehave func(w http.ResponseWriter, r *http.Request, api http.Handler)) func(http.Handler) http.Handler {
	return func(api http.Handler) http.Handler {
		seen := make(chan int, 1)
		seen <- 0
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != method || !strings.Contains(r.URL.Path, part) {
				api.ServeHTTP(w, r)
				return
			}
			n := <-seen + 1
			seen <- n
			if n == nth || nth == 0 {
				misbehave(w, r, api)
				return
			}
			api.ServeHTTP(w, r)
		})
	}
}

// Whatever the server does wrong is reported, and what was created is removed.
func TestMisbehaviour(t *testing.T) {
	t.Parallel()
	tmpl := load(t)
	says := func(status int, body string) func(http.ResponseWriter, *http.Request, http.Handler) {
		return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.Header().Set("X-Amzn-RequestId", "id-1")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	// lost does what it is asked and breaks the connection.
	lost := func(_ http.ResponseWriter, r *http.Request, api http.Handler) {
		api.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	}
	for _, test := range []struct {
		name, method, part string
		nth                int
		misbehave          func(http.ResponseWriter, *http.Request, http.Handler)
		want               string
	}{
		{"fails at strangers", "GET", "/topology/instance", 1, says(500, "{}"), "gateway, asks for credentials: GET /flexdeploy/rest/v1/topology/instance answered 500 (request id-1)"},
		{"does not challenge", "GET", "/topology/instance", 1, says(401, "{}"), `X-Amzn-Remapped-Www-Authenticate is "", not "Basic`},
		{"lets anybody in", "GET", "/topology/instance", 2, says(200, "[]"), "the status is not 401"},
		{"allows nothing", "OPTIONS", "", 1, says(204, ""), `Access-Control-Allow-Methods is "", not "GET, HEAD, POST, PUT, PATCH`},
		{"answers HTML", "GET", "/instances/list", 1, says(200, "<html>"), "unexpected body"},
		{"redirects", "GET", "/instances/get/", 1, func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			http.Redirect(w, r, "https://example.com/", http.StatusFound)
		}, "answered 302"},
		{"fails to create", "PUT", "/instances/create", 1, says(500, "{}"), "execution, creates an instance"},
		{"creates another", "PUT", "/instances/create", 1, func(w http.ResponseWriter, r *http.Request, api http.Handler) {
			api.ServeHTTP(httptest.NewRecorder(), r)
			_, _ = io.WriteString(w, `{"id":"other","name":"Smoke","otStatus":"created"}`)
		}, `id is "other", not "smoke-`},
		{"loses the answer to a create", "PUT", "/instances/create", 1, lost, "EOF"},
		{"loses the answer to a create without an id", "POST", "/api/v1/instances", 1, lost, "EOF"},
		{"creates without an id", "POST", "/api/v1/instances", 1, func(w http.ResponseWriter, r *http.Request, api http.Handler) {
			api.ServeHTTP(httptest.NewRecorder(), r)
			_, _ = io.WriteString(w, `{"uuid":null}`)
		}, "there is no uuid"},
		{"forbids suddenly", "POST", "/instances/update", 1, says(403, "{}"), "execution, updates it: POST /instances/update answered 403"},
		{"forgets", "GET", "/instances/get/", 1, says(400, `{"message":"Instance not found"}`), "Instance not found"},
		{"does not update", "POST", "/instances/update", 1, says(200, `{}`), "execution, updates it"},
		{"finds nothing", "GET", "/instances/list", 2, says(200, "[{}]"), ""}, // An index may lag.
		{"never finds anything", "GET", "/instances/list", 0, says(200, "[]"), "the list has 0 items, not 1"},
		{"fails to delete once", "DELETE", "/instances/delete/", 1, says(500, "{}"), "execution, deletes it"},
		{"loses the answer to a delete", "DELETE", "/instances/delete/", 1, lost, "EOF"},
		{"keeps what was deleted", "GET", "/instances/get/", 2, says(200, "{}"), "no longer has it"},
		{"throttles", "PUT", "/instances/create", 1, says(429, "{}"), ""},
		{"throttles for long", "PUT", "/instances/create", 0, says(429, "{}"), "answered 429"},
		{"hangs", "GET", "/instances/get/", 1, func(_ http.ResponseWriter, r *http.Request, _ http.Handler) { <-r.Context().Done() }, "Client.Timeout"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := deploy(t, tmpl, instead(test.method, test.part, test.nth, test.misbehave))
			secret := d.mint(t, "test", "compute:read", "compute:write", "execution:read", "execution:write")
			var stdout bytes.Buffer
			r, err := newRunner(d.url, "test:"+secret, &stdout)
			if err != nil {
				t.Fatal(err)
			}
			// On a reused connection the HTTP client may repeat a request.
			r.client.Transport = &http.Transport{DisableKeepAlives: true}
			r.retryAfter = 0
			if test.name == "hangs" {
				r.client.Timeout = 200 * time.Millisecond
			}
			err = r.run(t.Context())
			switch {
			case test.want == "" && err != nil:
				t.Errorf("%v\n%s", err, &stdout)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("the error is %v, not one with %q\n%s", err, test.want, &stdout)
			case err != nil && strings.Contains(err.Error(), "left behind"):
				t.Error(err)
			}
			d.left(t)
		})
	}
}

// What could not be removed is reported, and how to remove it if that is known.
func TestLeftBehind(t *testing.T) {
	t.Parallel()
	tmpl := load(t)
	created := false
	for _, test := range []struct {
		name, method, part string
		misbehave          http.HandlerFunc
		want               []string
	}{
		{"cannot delete", "DELETE", "/instances/delete/", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
		}, []string{"execution, deletes it", "\nleft behind: execution instance named smoke-", "DELETE /instances/delete/smoke-"}},
		// Throttling does not say whether the first request created it.
		{"cannot repeat the create", "PUT", "/instances/create", func(w http.ResponseWriter, _ *http.Request) {
			status := http.StatusTooManyRequests
			if !created {
				created, status = true, http.StatusInternalServerError
			}
			w.WriteHeader(status)
		}, []string{"execution, creates an instance", "\nmay be left behind: execution instance named smoke-", "answered 429"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := deploy(t, tmpl, instead(test.method, test.part, 0, func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
				test.misbehave(w, r)
			}))
			code, _, stderr := d.smoke(t.Context(), d.mint(t, "test", "execution:write"))
			for _, want := range test.want {
				if code != exitFailed || !strings.Contains(stderr, want) {
					t.Errorf("exit code %d, no %q in\n%s", code, want, stderr)
				}
			}
		})
	}
}

// Whenever a run is interrupted, it removes what it created.
func TestInterruption(t *testing.T) {
	t.Parallel()
	tmpl := load(t)
	for _, at := range []struct{ method, part string }{
		{"POST", "/api/v1/instances"},
		{"PATCH", "/start/"},
		{"PUT", "/instances/create"},
		{"POST", "/instances/update"},
		{"DELETE", "/instances/delete/"},
	} {
		t.Run(at.method+" "+at.part, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			d := deploy(t, tmpl, instead(at.method, at.part, 1, func(_ http.ResponseWriter, r *http.Request, api http.Handler) {
				// The request succeeds, but the program is stopped before it learns so.
				api.ServeHTTP(httptest.NewRecorder(), r.WithContext(context.WithoutCancel(r.Context())))
				cancel()
				<-r.Context().Done()
			}))
			code, stdout, stderr := d.smoke(ctx, d.mint(t, "test", "compute:write", "execution:write"))
			if code != exitFailed || !strings.Contains(stderr, "interrupted") || strings.Contains(stderr, "left behind") {
				t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
			}
			if !strings.Contains(stdout, "is removed") {
				t.Errorf("nothing is removed:\n%s", stdout)
			}
			d.left(t)
		})
	}
}

// A server that sends the secret back does not get it printed.
func TestSecretIsNotPrinted(t *testing.T) {
	t.Parallel()
	d := deploy(t, load(t), instead("POST", "/api-token-auth", 1, func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.Copy(w, r.Body)
	}))
	secret := d.mint(t, "test", "compute:read")
	code, stdout, stderr := d.smoke(t.Context(), secret)
	if code != exitFailed || !strings.Contains(stderr, "***") || strings.Contains(stdout+stderr, secret) {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	const key = "a:b"
	for _, test := range []struct {
		name string
		args []string
		key  string
		want string
	}{
		{"no URL", nil, key, "--url is missing"},
		{"no scheme", []string{"--url", "example.com/live"}, key, "is not a URL with only a host"},
		{"query", []string{"--url", "https://example.com/?a=b"}, key, "is not a URL with only a host"},
		{"other scheme", []string{"--url", "ftp://example.com/"}, key, "only https"},
		{"in clear", []string{"--url", "http://example.com/live"}, key, "would send the key in clear"},
		{"no key", []string{"--url", "https://example.com/live"}, "", "KEY is not NAME:SECRET"},
		{"no secret", []string{"--url", "https://example.com/live"}, "a:", "KEY is not NAME:SECRET"},
		{"argument", []string{"--url", "https://example.com/live", "x"}, key, `unexpected argument "x"`},
		{"flag", []string{"--other"}, key, "usage: KEY="},
	} {
		var stdout, stderr bytes.Buffer
		code := run(t.Context(), test.args, func(name string) string { return map[string]string{"KEY": test.key}[name] }, &stdout, &stderr)
		if code != exitUsage || stdout.Len() > 0 || !strings.Contains(stderr.String(), test.want) {
			t.Errorf("%s: exit code %d, output %q and %q", test.name, code, &stdout, &stderr)
		}
	}
}
