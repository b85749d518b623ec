package topology_test

import (
	"strings"
	"testing"

	"instances/pkg/app/apptest"
	"instances/pkg/topology"
)

// The examples of the description that tests replay are those of the document.
func TestExamples(t *testing.T) {
	t.Parallel()
	apptest.SameExamples(t, "topology", "[gps]*-re*", nil)
}

// Whatever can go wrong with any request is answered as the document says.
func TestRefusalsOfEachOperation(t *testing.T) {
	t.Parallel()
	apptest.RefuseEach(t, "topology", "1", "")
	s := full(t, apptest.NewBolt(t))
	for method, path := range apptest.Documented(t, "topology").Operations() {
		if !strings.Contains(path, "{Id}") {
			continue
		}
		for id, status := range map[string]int{"x": 400, "1": 404} {
			target := strings.ReplaceAll(path, "{Id}", id)
			if got := s.Do(t, method, target, body(`"groupCode":"g"`)); got.Status != status {
				t.Errorf("%s %s: got %d %s, want %d", method, target, got.Status, got.Body, status)
			}
		}
	}
}

func TestRepeatUnderWay(t *testing.T) {
	t.Parallel()
	s := full(t, apptest.NewContended(t))
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

// What the schemas allow is taken, and what they do not is refused.
func TestGeneratedBodies(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"POST", "PUT", "PATCH"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			s := full(t, apptest.NewBolt(t))
			path, target := topology.BasePath, topology.BasePath
			if method != "POST" {
				path, target = path+"/{Id}", create(t, s, body(`"groupCode":"g"`))
			}
			apptest.SendGenerated(t, s, "topology", method, path, target)
		})
	}
}
