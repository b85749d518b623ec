// Package apptest serves the whole API to tests: the local gateway in front
// of the functions, on a repository of the test's own.
//
// A test that holds on every repository runs in [Each]. Its clock stands
// still until the test moves it. A test that needs no clock runs in
// [Everywhere], which is also on the very binaries that get deployed.
package apptest

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"instances/pkg/app"
	"instances/pkg/app/apptest/contract"
	"instances/pkg/app/local"
	"instances/pkg/auth"
	"instances/pkg/gateway"
	"instances/pkg/instance"
	"instances/pkg/repository/bolt"
	"instances/pkg/repository/dynamo/dynamotest"
	"instances/pkg/template"
)

// HistoryRetention is how long the repositories keep a history record.
const HistoryRetention = 365 * 24 * time.Hour

// Server is the API, served to one test.
type Server struct {
	Repository app.Repository
	// Clock is that of the functions. In the rehearsal it cannot be moved.
	Clock *Clock

	handler http.Handler
	// authorization is what [Server.Do] sends by default.
	authorization string
	// pins are those of [Server.Pin].
	pins []pin
}

// Clock is a clock that tests move. It is safe for concurrent use.
type Clock struct {
	mu  sync.Mutex
	now time.Time // Zero for the time of this machine.
}

// Now returns the time that the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now.IsZero() {
		return time.Now()
	}
	return c.now
}

// real reports whether it is the time of this machine.
func (c *Clock) real() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now.IsZero()
}

// Advance moves the clock. It panics in the rehearsal, whose functions have
// the time of this machine.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now.IsZero() {
		panic("the rehearsal has no clock to move: run the test in apptest.Each")
	}
	c.now = c.now.Add(d)
}

// Each runs test on each repository, in parallel.
func Each(t *testing.T, test func(t *testing.T, s *Server)) {
	t.Helper()
	tmpl := dynamotest.Template(t)
	t.Run("bolt", func(t *testing.T) {
		t.Parallel()
		test(t, newBolt(t, tmpl, unchanged))
	})
	t.Run("dynamo", func(t *testing.T) {
		t.Parallel()
		clock := newClock()
		r := dynamotest.New(t, dynamotest.Options{Now: clock.Now, HistoryRetention: HistoryRetention, Template: tmpl})
		test(t, serve(t, tmpl, r, clock))
	})
}

// NewBolt serves the API on the embedded repository.
func NewBolt(t testing.TB) *Server {
	t.Helper()
	return NewBoltWith(t, unchanged)
}

// NewBoltWith serves the API on what wrap makes of the embedded repository, for
// faults to be injected.
func NewBoltWith(t testing.TB, wrap func(app.Repository) app.Repository) *Server {
	t.Helper()
	return newBolt(t, dynamotest.Template(t), wrap)
}

// newBolt serves the API on the embedded repository, as wrap changes it.
func newBolt(t testing.TB, tmpl *template.Template, wrap func(app.Repository) app.Repository) *Server {
	t.Helper()
	clock := newClock()
	r, err := bolt.Open(filepath.Join(t.TempDir(), "instances.db"),
		bolt.Options{Now: clock.Now, HistoryRetention: HistoryRetention, NoSync: true})
	if err != nil {
		t.Fatalf("open repository: %v", err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return serve(t, tmpl, wrap(r), clock)
}

// unchanged returns r.
func unchanged(r app.Repository) app.Repository { return r }

// newClock returns a clock at the current time: DynamoDB removes what has
// expired by its own clock.
func newClock() *Clock {
	return &Clock{now: time.Now().UTC().Truncate(time.Millisecond)}
}

// serve puts the gateway in front of the repository.
func serve(t testing.TB, tmpl *template.Template, r app.Repository, clock *Clock) *Server {
	t.Helper()
	functions, err := local.New(tmpl, local.Options{
		Repository: r, Keys: auth.NewAuthenticator(r, clock.Now), Now: clock.Now,
		Logger: slog.New(slog.NewTextHandler(logWriter{t}, &slog.HandlerOptions{Level: slog.LevelError})),
	})
	if err != nil {
		t.Fatal(err)
	}
	handler, err := gateway.New(tmpl, functions, gateway.Options{Now: clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	return &Server{Repository: r, Clock: clock, handler: handler}
}

// logWriter writes the log of a server into that of the test.
type logWriter struct{ t testing.TB }

func (w logWriter) Write(line []byte) (int, error) {
	w.t.Logf("%s", line)
	return len(line), nil
}

// Mint makes a key with the name and permissions, its own owner, and returns
// its secret. [Server.Do] uses it from then on, with Basic.
func (s *Server) Mint(t testing.TB, name string, allow ...string) (secret string) {
	t.Helper()
	secret = s.MintFor(t, name, name, allow...)
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(name, secret)
	s.authorization = r.Header.Get("Authorization")
	return secret
}

// MintFor makes a key of an owner and returns its secret.
func (s *Server) MintFor(t testing.TB, name, owner string, allow ...string) (secret string) {
	t.Helper()
	return s.mint(t, auth.NewKey{Name: name, Owner: owner, Allow: allow})
}

// MintProfile makes a key of an owner that speaks the profiles, by dialect,
// and returns its secret.
func (s *Server) MintProfile(t testing.TB, name, owner string, profiles map[string]string, allow ...string) (secret string) {
	t.Helper()
	return s.mint(t, auth.NewKey{Name: name, Owner: owner, Profiles: profiles, Allow: allow})
}

// MintUntil makes a key that expires and returns its secret.
func (s *Server) MintUntil(t testing.TB, name string, expires time.Time, allow ...string) (secret string) {
	t.Helper()
	return s.mint(t, auth.NewKey{Name: name, Allow: allow, ExpiresAt: expires})
}

func (s *Server) mint(t testing.TB, k auth.NewKey) string {
	t.Helper()
	secret, err := auth.Mint(context.Background(), s.Repository, k, s.Clock.Now())
	if err != nil {
		t.Fatalf("mint %s: %v", k.Name, err)
	}
	return secret
}

// Response is the answer to a request.
type Response struct {
	Status int
	Header http.Header
	Body   string
}

// Do sends a request and returns the answer. Each header is a line such as
// "If-Match: *"; one without a value removes what is sent by default: the
// credentials of [Server.Mint], and the type of JSON with a body. Both must be
// as the document of the API describes them. It may be called concurrently.
func (s *Server) Do(t testing.TB, method, target, body string, headers ...string) Response {
	t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if s.authorization != "" {
		r.Header.Set("Authorization", s.authorization)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ":")
		r.Header.Del(name)
		if value = strings.TrimSpace(value); value != "" {
			r.Header.Set(name, value)
		}
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	result := w.Result()
	defer func() { _ = result.Body.Close() }()
	answer, err := io.ReadAll(result.Body)
	if err != nil {
		t.Errorf("read answer: %v", err)
	}
	contract.Check(t, contract.Exchange{
		Method: method, URL: r.URL, Header: r.Header, Body: []byte(body),
		Status: result.StatusCode, AnswerHeader: result.Header, Answer: answer,
	})
	return Response{Status: result.StatusCode, Header: result.Header, Body: s.pinned(string(answer))}
}

// CheckHead checks that a HEAD is answered like a GET, without the body and its
// length.
func (s *Server) CheckHead(t testing.TB, target string, headers ...string) {
	t.Helper()
	get, head := s.Do(t, "GET", target, "", headers...), s.Do(t, "HEAD", target, "", headers...)
	for _, h := range []http.Header{get.Header, head.Header} {
		// Each answer has its own ids.
		for _, name := range []string{"Content-Length", "X-Request-Id", "X-Amzn-Requestid", "X-Amz-Apigw-Id"} {
			h.Del(name)
		}
	}
	if head.Status != get.Status || head.Body != "" || !reflect.DeepEqual(head.Header, get.Header) {
		t.Errorf("HEAD %s: got %d %v %q, want %d %v and no body", target, head.Status, head.Header, head.Body, get.Status, get.Header)
	}
}

// Delete deletes a numbered instance.
func (s *Server) Delete(t testing.TB, kind instance.Kind, number int64) {
	t.Helper()
	key := instance.Key{Kind: kind, Collection: instance.Block(number), ID: strconv.FormatInt(number, 10)}
	change := instance.Change{By: "test", Owner: "test", At: s.Clock.Now(), RequestID: "test", Operation: "delete"}
	if err := s.Repository.Delete(context.Background(), key, change, nil, nil); err != nil {
		t.Fatalf("delete %s: %v", key, err)
	}
}
