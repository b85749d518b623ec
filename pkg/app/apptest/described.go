package apptest

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"instances/pkg/app"
	"instances/pkg/app/apptest/contract"
	"instances/pkg/auth"
	"instances/pkg/instance"
	"instances/pkg/repository/dynamo/dynamotest"
)

// Documented returns the document of the named API.
func Documented(t testing.TB, api string) *contract.Document {
	t.Helper()
	d, err := contract.Of(api)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// SameExamples checks that the examples in the folder testdata of the test's
// package, of the given names, are those of the document of the named API. The
// name of a file without its ending is the name of the example, unless renamed
// has another one.
func SameExamples(t testing.TB, api, pattern string, renamed map[string]string) {
	t.Helper()
	examples := Documented(t, api).Examples()
	files, err := filepath.Glob(filepath.Join("testdata", pattern+".json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("found %q: %v", files, err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		if other, ok := renamed[name]; ok {
			name = other
		}
		want, err := readJSON(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := examples[name]; !contract.Same(got, want) {
			t.Errorf("%s: the document has %v, want %v", file, got, want)
		}
	}
}

// readJSON reads a file of JSON.
func readJSON(file string) (any, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return jsonschema.UnmarshalJSON(f)
}

// RefuseEach sends requests to each operation of the named API that cannot
// succeed, whatever the operation is, and checks that the document describes the
// answers. A parameter in a path has the given value. A body is what an operation
// without credentials needs to look for some.
func RefuseEach(t *testing.T, api, parameter, body string) {
	t.Helper()
	failing := func(reason error) *Server {
		return NewBoltWith(t, func(r app.Repository) app.Repository { return withoutKeys{r, reason} })
	}
	s := NewBolt(t)
	stranger := "Authorization: Token " + s.MintFor(t, "stranger", "stranger", "none")
	throttled, unavailable, broken := failing(auth.ErrThrottled), failing(instance.ErrUnavailable), failing(errors.New("broken"))
	d := Documented(t, api)
	for method, path := range d.Operations() {
		target := regexp.MustCompile(`\{\w+\}`).ReplaceAllString(path, parameter)
		for _, test := range []struct {
			s      *Server
			status int
			header string
		}{
			{s, 401, "Authorization:"},
			{s, 403, stranger},
			{s, 431, "X-Large: " + strings.Repeat("x", 10<<10)},
			{throttled, 429, "Authorization: Token x"},
			{unavailable, 503, "Authorization: Token x"},
			{broken, 500, "Authorization: Token x"},
		} {
			if test.status < 431 && d.Open(method, path) {
				continue
			}
			if got := test.s.Do(t, method, target, body, test.header); got.Status != test.status {
				t.Errorf("%s %s: got %d %s, want %d", method, path, got.Status, got.Body, test.status)
			}
		}
	}
	contract.CheckGateway(t, api, dynamotest.Template(t))
}

// withoutKeys is a repository that finds no key for a reason.
type withoutKeys struct {
	app.Repository
	reason error
}

// Credential implements [auth.CredentialGetter].
func (r withoutKeys) Credential(context.Context, string) (auth.Credential, error) {
	return auth.Credential{}, r.reason
}

// NewContended returns a server on a repository in which other writers win every
// race against a create.
func NewContended(t testing.TB) *Server {
	t.Helper()
	return NewBoltWith(t, func(r app.Repository) app.Repository { return contended{r} })
}

type contended struct{ app.Repository }

// Create implements [instance.Creator].
func (contended) Create(context.Context, instance.Instance, instance.Change, *instance.Idempotency) error {
	return errors.Join(instance.ErrUnavailable, instance.ErrConflict)
}

// SendGenerated sends bodies that are made from the schema of an operation of the
// named API. The document says which of them are valid: these are taken, or
// refused for a reason in x-refusals, and the others are refused. Both occur. Path
// is as the document has it, and target what the bodies are sent to.
func SendGenerated(t *testing.T, s *Server, api, method, path, target string) {
	t.Helper()
	d, r := Documented(t, api), rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	taken, refused := 0, 0
	for range 300 {
		body := d.Body(r, method, path)
		switch got := s.Do(t, method, target, body); {
		case got.Status < 300:
			taken++
		case got.Status == http.StatusBadRequest:
			refused++
		default:
			t.Errorf("%s: got %d %s", body, got.Status, got.Body)
		}
		if t.Failed() {
			return
		}
	}
	if min(taken, refused) < 20 {
		t.Errorf("%s %s: %d bodies were taken, and %d refused", method, path, taken, refused)
	}
}
