package execution_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"instances/pkg/app/apptest"
	"instances/pkg/execution"
)

// full mints a key that may do everything of this dialect, for Do.
func full(t *testing.T, s *apptest.Server) *apptest.Server {
	t.Helper()
	s.Mint(t, "alice", execution.ReadPermission, execution.WritePermission)
	return s
}

// refused checks that got is an error that says what is wanted.
func refused(t *testing.T, what string, got apptest.Response, status int, want string) {
	t.Helper()
	var m struct{ Message string }
	if err := json.Unmarshal([]byte(got.Body), &m); err != nil || got.Status != status || !strings.Contains(m.Message, want) {
		t.Errorf("%s: got %d %s, want %d with %q in its message", what, got.Status, got.Body, status, want)
	}
	if contentType := got.Header.Get("Content-Type"); contentType != "application/json" {
		t.Errorf("%s: got Content-Type %q", what, contentType)
	}
}

// TestGolden goes through each operation with the bodies that the two
// descriptions show.
func TestGolden(t *testing.T) {
	t.Parallel()
	apptest.Everywhere(t, func(t *testing.T, s *apptest.Server) {
		full(t, s)
		created := time.UnixMilli(1603443600123)
		s.Pin(created)
		for _, name := range []string{"object", "items", "forceinput"} {
			request, response := apptest.Golden(t, name+"-request.json"), apptest.Golden(t, name+"-response.json")
			var id struct{ ID string }
			if err := json.Unmarshal([]byte(request), &id); err != nil {
				t.Fatal(err)
			}
			apptest.Same(t, "create "+name, s.Do(t, "PUT", "/instances/create", request), 200, response)
			apptest.Same(t, "get "+name, s.Do(t, "GET", "/instances/get/"+id.ID, ""), 200, response)
			refused(t, "create "+name+" again", s.Do(t, "PUT", "/instances/create", request), 400, "Instance already exists")
			refused(t, "create "+name+" again", s.Do(t, "PUT", "/instances/create", request), 400, "Instance already uploaded")
		}
		list := s.Do(t, "GET", "/instances/list?idRef=5f8e9d7c6b5a493827160fed&user=planner&status=created", "")
		apptest.Same(t, "list", list, 200, "["+apptest.Golden(t, "items-response.json")+"]")

		s.Pin(created.Add(time.Minute))
		apptest.Same(t, "update", s.Do(t, "POST", "/instances/update", apptest.Golden(t, "update-request.json")), 200, apptest.Golden(t, "update-response.json"))
		apptest.Same(t, "get", s.Do(t, "GET", "/instances/get/5f92a3c1e4b0d7a6c8f01234", ""), 200, apptest.Golden(t, "update-response.json"))
		apptest.Same(t, "list", s.Do(t, "GET", "/instances/list?status=deployed", ""), 200, "["+apptest.Golden(t, "update-response.json")+"]")

		apptest.Same(t, "delete", s.Do(t, "DELETE", "/instances/delete/5f92a3c1e4b0d7a6c8f01234", ""), 200, `{"message":"Instance deleted successfully"}`)
		const gone = `{"message":"Instance not found"}`
		apptest.Same(t, "delete again", s.Do(t, "DELETE", "/instances/delete/5f92a3c1e4b0d7a6c8f01234", ""), 400, gone)
		apptest.Same(t, "get", s.Do(t, "GET", "/instances/get/5f92a3c1e4b0d7a6c8f01234", ""), 400, gone)
		apptest.Same(t, "update", s.Do(t, "POST", "/instances/update", apptest.Golden(t, "update-request.json")), 400, gone)
	})
}
