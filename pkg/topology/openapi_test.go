package topology_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"instances/pkg/app"
	"instances/pkg/app/apptest"
	"instances/pkg/app/apptest/contract"
	"instances/pkg/auth"
	"instances/pkg/instance"
	"instances/pkg/repository/dynamo/dynamotest"
	"instances/pkg/topology"
)

// document returns the description of this API.
func document(t testing.TB) *contract.Document {
	t.Helper()
	d, err := contract.Of("topology")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// The examples of the description that tests replay are those of the document.
func TestExamples(t *testing.T) {
	t.Parallel()
	examples := document(t).Examples()
	files, err := filepath.Glob(filepath.Join("testdata", "*-re*.json"))
	if err != nil || len(files) < 8 {
		t.Fatalf("found %q: %v", files, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		if name == "history-response" {
			// It is not FlexDeploy's.
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := examples[name]; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the document has %v, want %v", name, got, want)
		}
	}
}

// withoutKeys is a repository that finds no key for a reason.
type withoutKeys struct {
	app.Repository
	reason error
}

func (r withoutKeys) Credential(context.Context, string) (auth.Credential, error) {
	return auth.Credential{}, r.reason
}

// Whatever can go wrong with any request is answered as the document says.
func TestRefusalsOfEachOperation(t *testing.T) {
	t.Parallel()
	failing := func(reason error) *apptest.Server {
		return apptest.NewBoltWith(t, func(r app.Repository) app.Repository { return withoutKeys{r, reason} })
	}
	s := apptest.NewBolt(t)
	s.Mint(t, "alice", topology.ReadPermission, topology.WritePermission)
	stranger := "Authorization: Token " + s.MintFor(t, "stranger", "stranger", "compute:read")
	unavailable, broken := failing(instance.ErrUnavailable), failing(errors.New("broken"))
	for method, path := range document(t).Operations() {
		target := strings.ReplaceAll(path, "{Id}", "1")
		for _, test := range []struct {
			s      *apptest.Server
			status int
			header string
		}{
			{s, 401, "Authorization:"},
			{s, 403, stranger},
			{s, 431, "X-Large: " + strings.Repeat("x", 10<<10)},
			{unavailable, 503, "Authorization: Token x"},
			{broken, 500, "Authorization: Token x"},
		} {
			if got := test.s.Do(t, method, target, "", test.header); got.Status != test.status {
				t.Errorf("%s %s: got %d %s, want %d", method, path, got.Status, got.Body, test.status)
			}
		}
		if strings.Contains(path, "{Id}") {
			bad := strings.ReplaceAll(path, "{Id}", "x")
			if got := s.Do(t, method, bad, body(`"groupCode":"g"`)); got.Status != 400 {
				t.Errorf("%s %s: got %d %s", method, bad, got.Status, got.Body)
			}
			if got := s.Do(t, method, target, body(`"groupCode":"g"`)); got.Status != 404 {
				t.Errorf("%s %s: got %d %s", method, target, got.Status, got.Body)
			}
		}
	}
	contract.CheckGateway(t, "topology", dynamotest.Template(t))
}

// contended is a repository in which the writes of others win each race.
type contended struct{ app.Repository }

func (contended) Create(context.Context, instance.Instance, instance.Change, *instance.Idempotency) error {
	return errors.Join(instance.ErrUnavailable, instance.ErrConflict)
}

func TestRepeatUnderWay(t *testing.T) {
	t.Parallel()
	s := full(t, apptest.NewBoltWith(t, func(r app.Repository) app.Repository { return contended{r} }))
	wantProblem(t, s.Do(t, "POST", topology.BasePath, body(`"groupCode":"g"`), "Idempotency-Key: k"), 409)
	wantProblem(t, s.Do(t, "POST", topology.BasePath, body(`"groupCode":"g"`)), 503)
}

func TestContentCodings(t *testing.T) {
	t.Parallel()
	s := full(t, apptest.NewBolt(t))
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		target := topology.BasePath
		if method != "POST" {
			target += "/1"
		}
		got := s.Do(t, method, target, body(`"groupCode":"g"`), "Content-Encoding: br")
		if got.Status != 415 {
			t.Errorf("%s: got %d %s", method, got.Status, got.Body)
		}
	}
}
