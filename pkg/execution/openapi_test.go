package execution_test

import (
	"strings"
	"testing"

	"instances/pkg/app/apptest"
)

// The examples of the descriptions that tests replay are those of the document.
func TestExamples(t *testing.T) {
	t.Parallel()
	apptest.SameExamples(t, "execution", "*-re*", nil)
}

// Whatever can go wrong with any request is answered as the document says.
func TestRefusalsOfEachOperation(t *testing.T) {
	t.Parallel()
	apptest.RefuseEach(t, "execution", "one", "")
}

// What a write asks for beyond its body is heeded by each.
func TestConditionsOfWrites(t *testing.T) {
	t.Parallel()
	s := full(t, apptest.NewBolt(t))
	create(t, s, body(`,"id":"one"`))
	for _, w := range []struct{ method, target, body string }{
		{"PUT", "/instances/create", body(`,"id":"two"`)},
		{"POST", "/instances/update", body(`,"id":"one"`)},
		{"DELETE", "/instances/delete/one", ""},
	} {
		key := "Idempotency-Key: " + w.target
		for _, step := range []struct {
			query, header string
			status        int
		}{
			{"", `If-Match: "another.1"`, 412},
			{"", "If-None-Match: *", 412},
			{"", "Idempotency-Key: " + strings.Repeat("k", 256), 400},
			{"", key, 200},
			{"", key, 200},
			{"?again=1", key, 422},
		} {
			if w.method == "PUT" && step.status == 412 {
				continue
			}
			if got := s.Do(t, w.method, w.target+step.query, w.body, step.header); got.Status != step.status {
				t.Errorf("%s with %.50s: got %d %s, want %d", w.target, step.header, got.Status, got.Body, step.status)
			}
		}
	}
}

func TestRepeatUnderWay(t *testing.T) {
	t.Parallel()
	s := full(t, apptest.NewContended(t))
	for header, status := range map[string]int{"Idempotency-Key: k": 409, "X-Other: k": 503} {
		refused(t, header, s.Do(t, "PUT", "/instances/create", body(""), header), status, "")
	}
}

// What the schema allows is taken, and what it does not is refused.
func TestGeneratedBodies(t *testing.T) {
	t.Parallel()
	s := full(t, apptest.NewBolt(t))
	apptest.SendGenerated(t, s, "execution", "PUT", "/instances/create", "/instances/create")
}
