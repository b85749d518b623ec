package topology_test

import (
	"testing"

	"instances/pkg/app/apptest"
	"instances/pkg/topology"
)

func TestDelete(t *testing.T) {
	t.Parallel()
	s := apptest.NewBolt(t)
	whole := `{"instanceName":"n","instanceCode":"c","groupCode":"g","subGroupCode":"s"}`
	path := create(t, full(t, s), whole)
	other := create(t, s, `{"instanceName":"n","instanceCode":"d","groupCode":"g"}`)

	got := s.Do(t, "DELETE", path, "")
	if got.Status != 204 || got.Body != "" || got.Header.Get("ETag") != "" {
		t.Fatalf("got %d %v %q, want 204 without a body", got.Status, got.Header, got.Body)
	}
	if got.Header.Get("X-Request-Id") == "" {
		t.Error("the answer has no X-Request-Id")
	}
	for _, method := range []string{"GET", "PUT", "PATCH", "DELETE"} {
		wantProblem(t, s.Do(t, method, path, whole), 404)
	}
	for _, query := range []string{
		"", "?instanceCode=c", "?groupCode=g", "?groupCode=g&subGroupCode=s", "?instanceName=n", "?limit=10",
	} {
		for _, code := range found(t, s.Do(t, "GET", topology.BasePath+query, "")) {
			if code == "c" {
				t.Errorf("%q finds what was deleted", query)
			}
		}
	}
	if got := s.Do(t, "GET", other, ""); got.Status != 200 {
		t.Errorf("the other one: got %d", got.Status)
	}
	// The code is free, the id is not given out again.
	if again := create(t, s, whole); again == path {
		t.Errorf("the id of %s was given out again", path)
	}
	// A body is ignored, whatever it is.
	if got := s.Do(t, "DELETE", other, "no JSON", "Content-Type: text/plain"); got.Status != 204 {
		t.Errorf("with a body: got %d %s", got.Status, got.Body)
	}
}

func TestDeleteIfMatch(t *testing.T) {
	t.Parallel()
	s := apptest.NewBolt(t)
	path := create(t, full(t, s), body(`"groupCode":"g"`))
	first := s.Do(t, "GET", path, "").Header.Get("ETag")
	second := s.Do(t, "PATCH", path, `{"groupCode":"h"}`).Header.Get("ETag")
	for _, tag := range []string{first, `"x"`, "W/" + second, "x"} {
		got := s.Do(t, "DELETE", path, "", "If-Match: "+tag)
		if wantProblem(t, got, 412); got.Header.Get("ETag") != second {
			t.Errorf("If-Match %s: got the ETag %q, want the current one, %q", tag, got.Header.Get("ETag"), second)
		}
	}
	if got := s.Do(t, "GET", path, ""); got.Status != 200 || got.Header.Get("ETag") != second {
		t.Errorf("a refused DELETE changed the instance: got %d and ETag %s", got.Status, got.Header.Get("ETag"))
	}
	if got := s.Do(t, "DELETE", path, "", "If-Match: "+second); got.Status != 204 {
		t.Errorf("with the current ETag: got %d %s", got.Status, got.Body)
	}
	wantProblem(t, s.Do(t, "DELETE", path, "", "If-Match: "+second), 404)
	if got := s.Do(t, "DELETE", create(t, s, body(`"groupCode":"g"`)), "", "If-Match: *"); got.Status != 204 {
		t.Errorf("with any ETag: got %d %s", got.Status, got.Body)
	}
}

func TestDeleteTakesPermission(t *testing.T) {
	t.Parallel()
	s := apptest.NewBolt(t)
	path := create(t, full(t, s), body(`"groupCode":"g"`))
	reader := s.MintFor(t, "reader", "alice", topology.ReadPermission)
	stranger := s.MintFor(t, "stranger", "alice", "compute:write")
	writer := s.MintFor(t, "writer", "bob", topology.WritePermission)
	wantProblem(t, s.Do(t, "DELETE", path, "", "Authorization:"), 401)
	wantProblem(t, s.Do(t, "DELETE", path, "", "Authorization: Token wrong"), 401)
	wantProblem(t, s.Do(t, "DELETE", path, "", "Authorization: Token "+reader), 403)
	wantProblem(t, s.Do(t, "DELETE", path, "", "Authorization: Token "+stranger), 403)
	if got := s.Do(t, "GET", path, ""); got.Status != 200 {
		t.Fatalf("a refused DELETE deleted the instance: got %d", got.Status)
	}
	if got := s.Do(t, "DELETE", path, "", "Authorization: Token "+writer); got.Status != 204 {
		t.Errorf("got %d %s", got.Status, got.Body)
	}
}

// Of many DELETEs at once, one deletes and has a history record.
func TestParallelDeletes(t *testing.T) {
	t.Parallel()
	s := apptest.NewBolt(t)
	path := create(t, full(t, s), body(`"groupCode":"g"`))
	deleted := 0
	for _, a := range parallel(16, func(int) apptest.Response { return s.Do(t, "DELETE", path, "") }) {
		switch a.Status {
		case 204:
			deleted++
		case 404:
		default:
			t.Errorf("got %d %s", a.Status, a.Body)
		}
	}
	if n := len(history(t, s, path)); deleted != 1 || n != 2 {
		t.Errorf("%d DELETEs succeeded and there are %d records, want 1 and 2", deleted, n)
	}
}

// What is not there is answered in the words of this API.
func TestMethodsAndPaths(t *testing.T) {
	t.Parallel()
	s := apptest.NewBolt(t)
	path := create(t, full(t, s), body(`"groupCode":"g"`))
	for _, test := range []struct{ method, target, allow string }{
		{"DELETE", topology.BasePath, "GET, HEAD, POST, OPTIONS"},
		{"POST", path, "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"},
		{"POST", path + "/history", "GET, HEAD, OPTIONS"},
		{"DELETE", path + "/history", "GET, HEAD, OPTIONS"},
		{"PUT", path + "/history/", "GET, HEAD, OPTIONS"},
		{"GET", path + "/history/1", ""},
		{"DELETE", path + "/history/1", ""},
		{"GET", path + "/histories", ""},
		{"DELETE", path + "/x/y", ""},
	} {
		status := 404
		if test.allow != "" {
			status = 405
		}
		got := s.Do(t, test.method, test.target, "")
		wantProblem(t, got, status)
		if allow := got.Header.Get("Allow"); allow != test.allow {
			t.Errorf("%s %s: got Allow %q, want %q", test.method, test.target, allow, test.allow)
		}
	}
	if got := s.Do(t, "GET", path+"/history/", ""); got.Status != 200 {
		t.Errorf("a slash at the end: got %d %s", got.Status, got.Body)
	}
	if got := s.Do(t, "OPTIONS", path+"/history", ""); got.Status != 204 {
		t.Errorf("a preflight: got %d %s", got.Status, got.Body)
	}
}
