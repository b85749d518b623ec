package contract

import (
	"strings"
	"sync"
	"testing"

	"instances/pkg/compute"
	"instances/pkg/execution"
	"instances/pkg/topology"
)

// api is an API with a document.
type api struct {
	// prefix is what the paths of the document start with, and no others.
	prefix string
	// document reads the document once, and only where it is needed, since that
	// takes a while.
	document func() (*Document, error)
}

// described returns an API.
func described(name, prefix string, text func() string) api {
	return api{prefix, sync.OnceValues(func() (*Document, error) { return Parse(name, text()) })}
}

// apis are the APIs that are described, by their names.
//
//nolint:gochecknoglobals // What occurs in all tests of a package counts together.
var apis = map[string]api{
	"compute":   described("compute", "/api/", compute.OpenAPI),
	"execution": described("execution", "/instances/", execution.OpenAPI),
	"topology":  described("topology", "/flexdeploy/", topology.OpenAPI),
}

// Of returns the document of the named API.
func Of(name string) (*Document, error) { return apis[name].document() }

// Check fails the test where x is not as the document of its API says.
func Check(t testing.TB, x Exchange) {
	t.Helper()
	path := x.URL.EscapedPath()
	_, stage, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	for _, a := range apis {
		// The path may start with the name of a stage.
		if !strings.HasPrefix(path, a.prefix) && !strings.HasPrefix("/"+stage, a.prefix) {
			continue
		}
		d, err := a.document()
		if err == nil {
			err = d.Check(x)
		}
		if err != nil {
			t.Error(err)
		}
	}
}
