package contract

import (
	"sync"
	"testing"

	"instances/pkg/topology"
)

// texts are the documents that are complete, by the name of the API.
func texts() map[string]string {
	return map[string]string{
		"topology": topology.OpenAPI(),
	}
}

// documents reads the documents once, since that takes a while.
//
//nolint:gochecknoglobals // What occurs in all tests of a package counts together.
var documents = sync.OnceValues(func() (map[string]*Document, error) {
	all := map[string]*Document{}
	for name, text := range texts() {
		d, err := Parse(name, text)
		if err != nil {
			return nil, err
		}
		all[name] = d
	}
	return all, nil
})

// Of returns the document of the named API.
func Of(api string) (*Document, error) {
	all, err := documents()
	if err != nil {
		return nil, err
	}
	return all[api], nil
}

// Check fails the test where x is not as the document of its API says.
func Check(t testing.TB, x Exchange) {
	t.Helper()
	all, err := documents()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range all {
		if err := d.Check(x); err != nil {
			t.Error(err)
		}
	}
}
