package compute_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"instances/pkg/app/apptest"
	"instances/pkg/app/apptest/contract"
	"instances/pkg/auth"
	"instances/pkg/compute"
	"instances/pkg/instance"
)

// base is the path of the collection as the description writes it.
const base = compute.BasePath + "/"

// date reads a time as the API writes it.
func date(t *testing.T, text string) time.Time {
	t.Helper()
	d, err := time.Parse("02-01-2006 15:04:05", text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// full mints a key that may do everything of this dialect, for Do.
func full(t *testing.T, s *apptest.Server) *apptest.Server {
	t.Helper()
	s.Mint(t, "alice", compute.ReadPermission, compute.WritePermission)
	return s
}

// imported stores an instance of alice as it came from the running server.
func imported(t *testing.T, s *apptest.Server, id string, created, updated, seen string, attributes string) {
	t.Helper()
	i := instance.Instance{
		Kind: compute.Kind(), Collection: "alice", ID: id, Owner: "alice", Name: "instance1", Active: true,
		Version: 1, Incarnation: instance.NewIncarnation(),
		CreatedAt: date(t, created), UpdatedAt: date(t, updated), Attributes: json.RawMessage(attributes),
	}
	if seen != "" {
		i.LastSeenAt = date(t, seen)
	}
	change := instance.Change{By: "import", Owner: "alice", At: i.CreatedAt, RequestID: "import", Operation: "create"}
	if err := s.Repository.Create(t.Context(), i, change, nil); err != nil {
		t.Fatalf("import %s: %v", id, err)
	}
}

// TestGolden replays each example of the description.
func TestGolden(t *testing.T) {
	t.Parallel()
	apptest.Everywhere(t, func(t *testing.T, s *apptest.Server) {
		full(t, s)
		const running = `{"type":"cpu","askPrice":0.02,"maxNumParallelJobs":2,"numRunningJobs":1}`

		t.Run("GET", func(t *testing.T) {
			s.Pin(date(t, "06-10-2018 19:10:01"))
			imported(t, s, "91c34f50-5181-4739-915a-7615a6a72d2f", "05-10-2018 16:02:04", "06-10-2018 18:08:02", "06-10-2018 18:08:02", running)
			apptest.Same(t, "list", s.Do(t, "GET", base, ""), 200, apptest.Golden(t, "list-200.json"))
			imported(t, s, "90c34f50-5c81-4739-955a-7685a6a72d2f", "05-10-2018 16:02:04", "06-10-2018 18:08:02", "06-10-2018 18:08:02", running)
			apptest.Same(t, "get", s.Do(t, "GET", base+"90c34f50-5c81-4739-955a-7685a6a72d2f/", ""), 200, apptest.Golden(t, "get-200.json"))
			apptest.Same(t, "get in capitals, without the slash",
				s.Do(t, "GET", compute.BasePath+"/90C34F50-5C81-4739-955A-7685A6A72D2F", ""), 200, apptest.Golden(t, "get-200.json"))
		})
		t.Run("POST", func(t *testing.T) {
			s.Pin(date(t, "05-10-2018 16:29:06"))
			const body = `{"name":"instance1","ask_price":0.01}`
			got := s.Do(t, "POST", base, body)
			var created struct{ UUID string }
			if err := json.Unmarshal([]byte(got.Body), &created); err != nil || len(created.UUID) != 36 {
				t.Fatalf("got %d %s", got.Status, got.Body)
			}
			got.Body = strings.ReplaceAll(got.Body, created.UUID, "6baf15c3-5fb1-4312-b793-fc7d19629a7f")
			apptest.Same(t, "create", got, 200, apptest.Golden(t, "create-200.json"))
			// It is the document's example, but for the id, which is random.
			contract.Check(t, contract.Exchange{
				Method: "POST", URL: &url.URL{Path: base}, Header: http.Header{"Authorization": {"Token t"}},
				Body: []byte(body), Status: got.Status, AnswerHeader: got.Header, Answer: []byte(got.Body),
			})
			if location := got.Header.Get("Location"); location != base+created.UUID+"/" {
				t.Errorf("got Location %q", location)
			}
		})
		for _, write := range []struct{ method, id, body, golden string }{
			{"PUT", "6bafb1c3-5f11-43d2-a713-fc7d19629a7f", `{"name":"instance1","ask_price":0.01}`, "update-200.json"},
			{"PATCH", "6b1fb5c3-5f11-43d2-a793-fc7d01629a7f", `{"ask_price":"0.01","max_num_parallel_jobs":"1"}`, "patch-200.json"},
		} {
			t.Run(write.method, func(t *testing.T) {
				s.Pin(date(t, "05-10-2018 16:29:06"))
				imported(t, s, write.id, "05-10-2018 16:29:06", "05-10-2018 16:29:06", "", `{"type":"cpu","askPrice":3,"maxNumParallelJobs":4}`)
				apptest.Same(t, write.method, s.Do(t, write.method, base+write.id+"/", write.body), 200, apptest.Golden(t, write.golden))
			})
		}
		t.Run("DELETE", func(t *testing.T) {
			const id = "6b1fb5c3-5f11-43d2-a793-fc7d01629a7f"
			apptest.Same(t, "delete", s.Do(t, "DELETE", base+id+"/", ""), 200, apptest.Golden(t, "delete-200.json"))
			for _, method := range []string{"GET", "PUT", "PATCH", "DELETE"} {
				file := map[string]string{"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}[method] + "-404.json"
				apptest.Same(t, method+" of what is gone", s.Do(t, method, base+id+"/", `{"name":"n","ask_price":1}`), 404, apptest.Golden(t, file))
			}
		})
		t.Run("401", func(t *testing.T) {
			for _, header := range []string{
				"Authorization: Token wrong", "Authorization: ApiKey " + auth.NewSecret(), "Authorization: Basic bm9ib2R5Ondyb25n",
			} {
				for method, file := range map[string]string{"PUT": "update", "PATCH": "patch", "DELETE": "delete", "GET": "get"} {
					got := s.Do(t, method, base+"6b1fb5c3-5f11-43d2-a793-fc7d01629a7f/", "{}", header)
					apptest.Same(t, method+" "+header, got, 401, apptest.Golden(t, file+"-401.json"))
				}
				apptest.Same(t, "list "+header, s.Do(t, "GET", base, "", header), 401, apptest.Golden(t, "list-401.json"))
				apptest.Same(t, "create "+header, s.Do(t, "POST", base, "{}", header), 401, apptest.Golden(t, "create-401.json"))
			}
			for _, header := range []string{"Authorization:", "Authorization: Token", "Authorization: nonsense", "Authorization: Basic !"} {
				apptest.Same(t, "list "+header, s.Do(t, "GET", base, "", header), 401, `{"detail":`+
					`"Authentication credentials were not provided. Send the header Authorization: Token SECRET, with the secret of a key."}`)
			}
		})
	})
}
