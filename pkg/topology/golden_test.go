package topology_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"instances/pkg/app/apptest"
	"instances/pkg/topology"
)

// golden returns an example of the description, as it is written there.
func golden(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// compact returns JSON without white space, in the same order.
func compact(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, []byte(text)); err != nil {
		t.Fatalf("compact %q: %v", text, err)
	}
	return b.String()
}

// startAt makes the next instance get the id n.
func startAt(t *testing.T, s *apptest.Server, n int64) {
	t.Helper()
	if err := s.Repository.ReserveNumbers(t.Context(), topology.Kind(), n-1); err != nil {
		t.Fatalf("reserve numbers: %v", err)
	}
}

// TestGolden replays each example of the description.
func TestGolden(t *testing.T) {
	t.Parallel()
	apptest.Everywhere(t, func(t *testing.T, s *apptest.Server) {
		s.Mint(t, "alice", topology.ReadPermission, topology.WritePermission)

		// story sends the request of an example to an instance that is in the
		// state from which the example starts.
		story := func(t *testing.T, current, method, request, response string) {
			created := s.Do(t, "POST", topology.BasePath, golden(t, current))
			if created.Status != 201 || created.Body != compact(t, golden(t, current)) {
				t.Fatalf("create: got %d %s, want the state to start from", created.Status, created.Body)
			}
			got := s.Do(t, method, created.Header.Get("Location"), golden(t, request))
			if got.Status != 200 || got.Body != compact(t, golden(t, response)) {
				t.Errorf("%s: got %d %s, want %s", method, got.Status, got.Body, golden(t, response))
			}
			again := s.Do(t, "GET", created.Header.Get("Location"), "")
			if again.Status != 200 || again.Body != got.Body {
				t.Errorf("GET after it: got %d %s, want the same", again.Status, again.Body)
			}
		}

		t.Run("GET by query parameters", func(t *testing.T) {
			var want []json.RawMessage
			if err := json.Unmarshal([]byte(golden(t, "search-response.json")), &want); err != nil {
				t.Fatal(err)
			}
			for i, id := range []int64{10000, 10012} {
				startAt(t, s, id)
				if got := s.Do(t, "POST", topology.BasePath, string(want[i])); got.Status != 201 {
					t.Fatalf("create: got %d %s", got.Status, got.Body)
				}
			}
			got := s.Do(t, "GET", topology.BasePath+"?groupCode=Group", "")
			if got.Status != 200 || got.Body != compact(t, golden(t, "search-response.json")) {
				t.Errorf("got %d %s, want %s", got.Status, got.Body, golden(t, "search-response.json"))
			}
			if link := got.Header.Get("Link"); link != "" {
				t.Errorf("got Link %q, want none", link)
			}
			s.Delete(t, topology.Kind(), 10000)
			s.Delete(t, topology.Kind(), 10012)
		})
		t.Run("GET by id", func(t *testing.T) {
			startAt(t, s, 11004)
			created := s.Do(t, "POST", topology.BasePath, golden(t, "get-current.json"))
			got := s.Do(t, "GET", topology.BasePath+"/11004", "")
			if got.Status != 200 || got.Body != compact(t, golden(t, "get-response.json")) {
				t.Errorf("got %d %s, want %s (created: %s)", got.Status, got.Body, golden(t, "get-response.json"), created.Body)
			}
		})
		t.Run("PUT", func(t *testing.T) {
			startAt(t, s, 11104)
			story(t, "put-current.json", "PUT", "put-request.json", "put-response.json")
		})
	})
}

// TestGoldenSameID replays the examples whose ids other examples have too.
func TestGoldenSameID(t *testing.T) {
	t.Parallel()
	apptest.Everywhere(t, func(t *testing.T, s *apptest.Server) {
		s.Mint(t, "alice", topology.ReadPermission, topology.WritePermission)

		t.Run("POST", func(t *testing.T) {
			startAt(t, s, 11004)
			got := s.Do(t, "POST", topology.BasePath, golden(t, "post-request.json"))
			if got.Status != 201 || got.Body != compact(t, golden(t, "post-response.json")) {
				t.Errorf("got %d %s, want 201 %s", got.Status, got.Body, golden(t, "post-response.json"))
			}
			if location := got.Header.Get("Location"); location != topology.BasePath+"/11004" {
				t.Errorf("got Location %q", location)
			}
		})
		t.Run("PATCH", func(t *testing.T) {
			startAt(t, s, 11104)
			created := s.Do(t, "POST", topology.BasePath, golden(t, "patch-current.json"))
			if created.Body != compact(t, golden(t, "patch-current.json")) {
				t.Fatalf("create: got %d %s", created.Status, created.Body)
			}
			got := s.Do(t, "PATCH", topology.BasePath+"/11104", golden(t, "patch-request.json"))
			if got.Status != 200 || got.Body != compact(t, golden(t, "patch-response.json")) {
				t.Errorf("got %d %s, want %s", got.Status, got.Body, golden(t, "patch-response.json"))
			}
		})
	})
}
