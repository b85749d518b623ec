package rehearsal_test

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"instances/pkg/app/apptest"
	"instances/pkg/auth"
	"instances/pkg/template"
)

// Each sample event is invoked in the rehearsal, with its placeholder key and with
// a real one. What it refers to exists only if an earlier event created it.
func TestEvents(t *testing.T) {
	t.Parallel()
	s, functions := apptest.NewRehearsal(t)
	secret := s.MintFor(t, "local", "local", auth.AllowAll)
	tmpl, err := template.Load(filepath.Join("..", "..", "template.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	// want is the status with a real key, if it is not 200.
	want := map[string]int{
		"topology-get": 404, "topology-update": 404, "topology-patch": 404, "topology-create": 201,
		"topology-delete": 404, "topology-history": 404,
		"compute-get": 404, "compute-update": 404, "compute-patch": 404, "compute-delete": 404, "compute-start": 404,
		"compute-stop": 404, "compute-add-image": 404, "compute-delete-image": 404, "compute-get-jobs": 404, "compute-images": 404,
	}
	for _, f := range tmpl.Functions {
		sample, err := os.ReadFile(filepath.Join("..", "..", "events", f.Name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Routes) == 0 {
			// Clients do not call it; its answer has another form.
			if out, err := functions.Invoke(t.Context(), f.Name, sample); err != nil || !json.Valid(out) {
				t.Errorf("%s: got %s, %v", f.Name, out, err)
			}
			continue
		}
		invoke := func(event string) (status int, body string) {
			t.Helper()
			out, err := functions.Invoke(t.Context(), f.Name, []byte(event))
			if err != nil {
				t.Fatalf("%s: %v", f.Name, err)
			}
			var answer struct {
				StatusCode int
				Body       string
			}
			if err := json.Unmarshal(out, &answer); err != nil {
				t.Fatalf("%s: %v", f.Name, err)
			}
			return answer.StatusCode, answer.Body
		}
		refused := 401
		switch f.Name {
		case "compute-token-auth":
			refused = 400
		case "reference":
			// It asks for no key.
			refused = 200
		}
		if status, body := invoke(string(sample)); status != refused || !json.Valid([]byte(body)) {
			t.Errorf("%s with the placeholder: got %d %s, want %d", f.Name, status, body, refused)
		}
		event := strings.NewReplacer(
			base64.StdEncoding.EncodeToString([]byte("local:example")), base64.StdEncoding.EncodeToString([]byte("local:"+secret)),
			"Token example", "Token "+secret, "ApiKey example", "ApiKey "+secret,
			"password=example", "password="+secret,
		).Replace(string(sample))
		if event == string(sample) && f.Name != "reference" {
			t.Errorf("%s: the event has no placeholder for a key", f.Name)
		}
		expected := want[f.Name]
		if expected == 0 {
			expected = 200
		}
		if status, body := invoke(event); status != expected || !json.Valid([]byte(body)) {
			t.Errorf("%s with a key: got %d %s, want %d", f.Name, status, body, expected)
		}
	}
}
