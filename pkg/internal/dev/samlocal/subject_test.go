package samlocal_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"instances/pkg/app"
	"instances/pkg/app/local"
	"instances/pkg/auth"
	"instances/pkg/compute"
	"instances/pkg/gateway"
	"instances/pkg/instance"
	"instances/pkg/internal/dev"
	"instances/pkg/repository/dynamo"
	"instances/pkg/repository/dynamo/dynamotest"
	"instances/pkg/template"
	"instances/pkg/topology"
)

// keyName is the name of the key in the sample events.
const keyName = "local"

// subject is the project, and the key of its users.
type subject struct {
	root     string
	template *template.Template
	secret   string
	samples  []sample
	// at is when everything that is there at the start was made.
	at time.Time
}

func newSubject(t *testing.T) *subject {
	t.Helper()
	root, err := dev.Root()
	if err != nil {
		t.Fatal(err)
	}
	tmpl, err := template.Load(filepath.Join(root, "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	s := &subject{root: root, template: tmpl, secret: auth.NewSecret(), at: time.Now().UTC().Truncate(time.Second)}
	s.samples = loadSamples(t, filepath.Join(root, "events"), s.secret)
	return s
}

// seed gives a table the key, and what makes the sample events find something:
// the next topology instance gets the number that they name, and the compute
// instance that they name is there, as if it had been imported.
func (s *subject) seed(t *testing.T, table dynamotest.Table) {
	t.Helper()
	r := s.repository(table)
	if err := auth.Register(t.Context(), r, auth.NewKey{Name: keyName, Allow: []string{auth.AllowAll}}, s.secret, s.at); err != nil {
		t.Fatal(err)
	}
	number, err := strconv.ParseInt(s.parameter(t, "topology-get"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.ReserveNumbers(t.Context(), topology.Kind(), number-1); err != nil {
		t.Fatal(err)
	}
	g := s.gateway(t, renamer{r, s.parameter(t, "compute-get")}, func() time.Time { return s.at })
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, compute.BasePath+"/", strings.NewReader("name=seed&ask_price=1"))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Authorization", "Token "+s.secret)
	w := httptest.NewRecorder()
	g.ServeHTTP(w, request)
	if w.Code != http.StatusOK {
		t.Fatalf("seed: %d %s", w.Code, w.Body)
	}
}

// renamer gives what is created an id that no function would.
type renamer struct {
	*dynamo.Repository
	id string
}

func (r renamer) Create(ctx context.Context, i instance.Instance, c instance.Change, record *instance.Idempotency) error {
	i.ID = r.id
	return r.Repository.Create(ctx, i, c, record)
}

// parameter returns the only path parameter of a sample event.
func (s *subject) parameter(t *testing.T, function string) string {
	t.Helper()
	for _, e := range s.samples {
		for _, value := range e.PathParameters {
			if e.function == function {
				return value
			}
		}
	}
	t.Fatalf("the sample event of %s has no path parameter", function)
	return ""
}

func (s *subject) repository(table dynamotest.Table) *dynamo.Repository {
	return dynamo.New(dynamo.Config{Client: table.Client(nil), Table: table.Name})
}

// gateway returns the local gateway in front of the functions.
func (s *subject) gateway(t *testing.T, r app.Repository, now func() time.Time) http.Handler {
	t.Helper()
	functions, err := local.New(s.template, local.Options{
		Repository: r, Keys: auth.NewAuthenticator(r, now), Now: now, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return s.inFront(t, functions, gateway.Options{})
}

// inFront returns the local gateway in front of anything.
func (s *subject) inFront(t *testing.T, i gateway.Invoker, o gateway.Options) http.Handler {
	t.Helper()
	g, err := gateway.New(s.template, i, o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}
