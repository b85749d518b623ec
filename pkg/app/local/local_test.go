package local_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"instances/pkg/app/local"
	"instances/pkg/auth"
	"instances/pkg/repository/bolt"
	"instances/pkg/template"
)

// open returns the functions of the template with a value of the parameter for
// silence, on an empty repository, and the secret of a key.
func open(t *testing.T, minutes string, now func() time.Time) (*local.Functions, string, error) {
	t.Helper()
	tmpl, err := template.Load(filepath.Join("..", "..", "..", "template.yaml"), template.With("ComputeSilentAfterMinutes", minutes))
	if err != nil {
		t.Fatal(err)
	}
	r, err := bolt.Open(filepath.Join(t.TempDir(), "instances.db"), bolt.Options{Now: now, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	secret, err := auth.Mint(t.Context(), r, auth.NewKey{Name: "test", Allow: []string{auth.AllowAll}}, now())
	if err != nil {
		t.Fatal(err)
	}
	fs, err := local.New(tmpl, local.Options{
		Repository: r, Keys: auth.NewAuthenticator(r, now), Now: now, Logger: slog.New(slog.DiscardHandler),
	})
	return fs, secret, err
}

// The functions get the environment that the template gives them.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	now := time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC)
	fs, secret, err := open(t, "60", func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	invoke := func(function, uuid, body string) (answer struct {
		UUID   string `json:"uuid"`
		Status int    `json:"status"`
	},
	) {
		t.Helper()
		event, err := json.Marshal(events.APIGatewayProxyRequest{
			HTTPMethod: http.MethodPost, Path: "/x", Body: body,
			Headers: map[string]string{"Authorization": "Token " + secret}, PathParameters: map[string]string{"uuid": uuid},
		})
		if err != nil {
			t.Fatal(err)
		}
		out, err := fs.Invoke(t.Context(), function, event)
		if err != nil {
			t.Fatal(err)
		}
		var r events.APIGatewayProxyResponse
		if err := json.Unmarshal(out, &r); err != nil || r.StatusCode != http.StatusOK {
			t.Fatalf("%s answers %s, %v", function, out, err)
		}
		if err := json.Unmarshal([]byte(r.Body), &answer); err != nil {
			t.Fatal(err)
		}
		return answer
	}
	uuid := invoke("compute-create", "", `{"name":"a","ask_price":1}`).UUID
	invoke("ComputeStart", uuid, "")
	now = now.Add(59 * time.Minute)
	if got := invoke("compute-get", uuid, ""); got.Status != 2 {
		t.Errorf("before the time is over the status is %d", got.Status)
	}
	now = now.Add(2 * time.Minute)
	if got := invoke("compute-get", uuid, ""); got.Status != 1 {
		t.Errorf("after the time is over the status is %d", got.Status)
	}
}

func TestWrongEnvironment(t *testing.T) {
	t.Parallel()
	_, _, err := open(t, "soon", time.Now)
	if err == nil || !strings.Contains(err.Error(), `environment of ComputeList: COMPUTE_SILENT_AFTER_MINUTES is "soon"`) {
		t.Errorf("error %v", err)
	}
}

func TestUnknownFunction(t *testing.T) {
	t.Parallel()
	fs, _, err := open(t, "15", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fs.Invoke(t.Context(), "compute-restart", nil); err == nil || err.Error() != `there is no function "compute-restart"` {
		t.Errorf("error %v", err)
	}
}
