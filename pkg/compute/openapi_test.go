package compute_test

import (
	"net/url"
	"strings"
	"testing"

	"instances/pkg/app/apptest"
)

// unknown is the UUID of no instance.
const unknown = "00000000-0000-4000-8000-000000000000"

// The examples of the description that tests replay are those of the document.
func TestExamples(t *testing.T) {
	t.Parallel()
	same := map[string]string{}
	for _, operation := range []string{"list", "create", "get", "update", "patch", "delete"} {
		same[operation+"-401"], same[operation+"-404"] = "create-401", "get-404"
	}
	apptest.SameExamples(t, "compute", "*-*", same)
}

// Whatever can go wrong with any request is answered as the document says.
func TestRefusalsOfEachOperation(t *testing.T) {
	t.Parallel()
	apptest.RefuseEach(t, "compute", unknown, `{"username":"u","password":"p"}`)
	s := full(t, apptest.NewBolt(t))
	for method, path := range apptest.Documented(t, "compute").Operations() {
		target := strings.ReplaceAll(path, "{uuid}", unknown)
		if strings.HasSuffix(path, "/images/") {
			target += "?instance=" + unknown
		}
		if target == path {
			continue
		}
		if got := s.Do(t, method, target, `{"name":"n","ask_price":1,"image_registry_path":"i"}`); got.Status != 404 {
			t.Errorf("%s %s: got %d %s", method, target, got.Status, got.Body)
		}
	}
}

// write is a request that changes an instance, below its path.
type write struct{ method, below, body string }

// writes returns a request for each operation that changes an instance.
func writes() []write {
	return []write{
		{"PUT", "", `{"name":"n","ask_price":2}`},
		{"PATCH", "", `{"name":"m"}`},
		{"PATCH", "start/", ""},
		{"PATCH", "stop/", ""},
		{"PATCH", "add-image/", `{"image_registry_path":"registry.example.com/lib/image:1.0"}`},
		{"PATCH", "delete-image/", `{"image_registry_path":"i"}`},
		{"DELETE", "", ""},
	}
}

// What a write asks for beyond its body is heeded by each.
func TestConditionsOfWrites(t *testing.T) {
	t.Parallel()
	s := full(t, apptest.NewBolt(t))
	for _, w := range writes() {
		target := create(t, s, `{"name":"n","ask_price":1}`) + w.below
		for _, step := range []struct {
			query, header string
			status        int
		}{
			{"", `If-Match: "another.1"`, 412},
			{"", "If-None-Match: *", 412},
			{"", "Idempotency-Key: " + strings.Repeat("k", 256), 400},
			{"", "Idempotency-Key: " + w.method + w.below, 200},
			{"?again=1", "Idempotency-Key: " + w.method + w.below, 422},
		} {
			if got := s.Do(t, w.method, target+step.query, w.body, `If-None-Match: "another.1"`, step.header); got.Status != step.status {
				t.Errorf("%s %s with %.50s: got %d %s, want %d", w.method, w.below, step.header, got.Status, got.Body, step.status)
			}
		}
	}
}

func TestRepeatUnderWay(t *testing.T) {
	t.Parallel()
	s := full(t, apptest.NewContended(t))
	for header, status := range map[string]int{"Idempotency-Key: k": 409, "X-Other: k": 503} {
		if got := s.Do(t, "POST", base, `{"name":"n","ask_price":1}`, header); got.Status != status {
			t.Errorf("%s: got %d %s, want %d", header, got.Status, got.Body, status)
		}
	}
}

// HEAD answers as GET does, page by page too.
func TestHeadOfPages(t *testing.T) {
	t.Parallel()
	s := full(t, apptest.NewBolt(t))
	create(t, s, `{"name":"instance1","ask_price":0.01,"type":"gpu","gpu":"`+card().UUID+`"}`)
	create(t, s, `{"name":"instance1","ask_price":0.01}`)
	first := s.Do(t, "HEAD", base+"?limit=1", "")
	next, ok := strings.CutSuffix(strings.TrimPrefix(first.Header.Get("Link"), "<"), `>; rel="next"`)
	if first.Status != 200 || first.Body != "" || !ok {
		t.Fatalf("got %d %q, Link %q", first.Status, first.Body, first.Header.Get("Link"))
	}
	if last := s.Do(t, "HEAD", next, ""); last.Status != 200 || last.Header.Get("Link") != "" {
		t.Errorf("the last page: got %d, Link %q", last.Status, last.Header.Get("Link"))
	}
}

// A form says the same as JSON.
func TestForms(t *testing.T) {
	t.Parallel()
	s := full(t, apptest.NewBolt(t))
	const form = "Content-Type: application/x-www-form-urlencoded"
	created := s.Do(t, "POST", base, url.Values{
		"name": {" n "}, "ask_price": {"0.5"}, "type": {"gpu"}, "gpu": {card().UUID}, "max_num_parallel_jobs": {"1"},
	}.Encode(), form)
	row := decode[map[string]any](t, created)
	if created.Status != 200 || row["name"] != "n" || row["gpu"] != card().UUID {
		t.Errorf("create: got %d %s", created.Status, created.Body)
	}
	bad := s.Do(t, "POST", base, "name=n&ask_price=0.5&gpu="+card().UUID, form)
	if bad.Status != 400 || decode[map[string][]string](t, bad)["gpu"] == nil {
		t.Errorf("a GPU that is not needed: got %d %s", bad.Status, bad.Body)
	}
}

// What the schemas allow is taken, and what they do not is refused.
func TestGeneratedBodies(t *testing.T) {
	t.Parallel()
	const all, one = "/api/v1/instances/", "/api/v1/instances/{uuid}/"
	for _, operation := range [][2]string{{"POST", all}, {"PUT", one}, {"PATCH", one}, {"PATCH", one + "add-image/"}} {
		t.Run(strings.Join(operation[:], " "), func(t *testing.T) {
			t.Parallel()
			s := full(t, apptest.NewBolt(t))
			method, path := operation[0], operation[1]
			target := strings.Replace(path, one, create(t, s, `{"name":"n","ask_price":1}`), 1)
			apptest.SendGenerated(t, s, "compute", method, path, target)
		})
	}
}
