package compute_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"instances/pkg/app/apptest"
	"instances/pkg/compute"
)

// client sends requests as the vendor's own client does: forms, a token, and
// nothing else.
type client struct {
	*apptest.Server
	token string
}

// newClient mints a key with the client profile.
func newClient(t *testing.T, s *apptest.Server) client {
	t.Helper()
	secret := s.MintProfile(t, "agent", "agent", map[string]string{"compute": compute.ClientProfile},
		compute.ReadPermission, compute.WritePermission)
	return client{s, secret}
}

// send sends a form; an empty one is a request without a body and a type.
func (c client) send(t *testing.T, method, target, form string) apptest.Response {
	t.Helper()
	contentType := "Content-Type:"
	if form != "" {
		contentType = "Content-Type: application/x-www-form-urlencoded"
	}
	return c.Do(t, method, target, form, "Authorization: Token "+c.token, contentType)
}

// decode reads an object or a list of the answer.
func decode[T any](t *testing.T, got apptest.Response) T {
	t.Helper()
	var v T
	d := json.NewDecoder(strings.NewReader(got.Body))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("got %d %s: %v", got.Status, got.Body, err)
	}
	return v
}

// TestClient replays a session of the vendor's own client, and checks what it
// takes for success.
func TestClient(t *testing.T) {
	t.Parallel()
	apptest.Everywhere(t, func(t *testing.T, s *apptest.Server) {
		c := newClient(t, s)

		login := c.Do(t, "POST", "/api/v1/api-token-auth/", "username=agent&password="+c.token,
			"Authorization:", "Content-Type: application/x-www-form-urlencoded")
		apptest.Same(t, "login", login, 200, `{"token":"`+c.token+`"}`)
		if got := login.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("login: got Cache-Control %q", got)
		}

		created := c.send(t, "POST", base, "name=my+instance&type=1&ask_price=0.001&max_num_parallel_jobs=3")
		row := decode[map[string]any](t, created)
		if created.Status != 201 || row["name"] != "my instance" || row["type"] != json.Number("1") ||
			row["max_num_parallel_jobs"] != json.Number("3") || row["ask_price"] != json.Number("0.001") {
			t.Fatalf("create: got %d %s", created.Status, created.Body)
		}
		uuid, ok := row["uuid"].(string)
		if !ok {
			t.Fatalf("create: got %s", created.Body)
		}
		list := decode[[]map[string]any](t, c.send(t, "GET", base, ""))
		if len(list) != 1 || list[0]["type"] != json.Number("1") || list[0]["current_server_time"] == nil ||
			list[0]["last_connection"] != nil || list[0]["status"] != json.Number("1") {
			t.Errorf("list: got %v", list)
		}

		patched := c.send(t, "PATCH", base+uuid+"/", "uuid="+uuid+"&ask_price=0.5")
		row = decode[map[string]any](t, patched)
		if patched.Status != 200 || row["ask_price"] != json.Number("0.5") || row["name"] != "my instance" {
			t.Errorf("patch: got %d %s", patched.Status, patched.Body)
		}

		gpus := decode[[]map[string]any](t, c.send(t, "GET", "/api/v1/gpus/", ""))
		if len(gpus) == 0 {
			t.Fatal("there are no GPUs")
		}
		gpu, _ := gpus[0]["uuid"].(string)
		turned := c.send(t, "PATCH", base+uuid+"/", "uuid="+uuid+"&type=2&gpu="+gpu+"&max_num_parallel_jobs=1")
		row = decode[map[string]any](t, turned)
		if turned.Status != 200 || row["type"] != json.Number("2") || row["gpu"] != gpu || row["gpu_name"] != gpus[0]["name"] {
			t.Errorf("patch to a GPU: got %d %s", turned.Status, turned.Body)
		}

		for path, status := range map[string]json.Number{"start/": "2", "stop/": "1"} {
			if got := c.send(t, "PATCH", base+uuid+"/"+path, ""); got.Status != 200 || decode[map[string]any](t, got)["status"] != status {
				t.Errorf("%s: got %d %s, want status %s", path, got.Status, got.Body, status)
			}
		}
		c.send(t, "PATCH", base+uuid+"/start/", "")
		apptest.Same(t, "get-jobs", c.send(t, "GET", base+uuid+"/get-jobs/", ""), 200, "[]")
		list = decode[[]map[string]any](t, c.send(t, "GET", base, ""))
		if len(list) != 1 || list[0]["last_connection"] == nil || list[0]["status"] != json.Number("2") || list[0]["type"] != json.Number("2") {
			t.Errorf("list after it polled: got %v", list)
		}

		image := url.QueryEscape("registry.example.com/lib/image:1.0")
		for range 2 {
			if got := c.send(t, "PATCH", base+uuid+"/add-image/", "image_registry_path="+image); got.Status != 200 {
				t.Errorf("add-image: got %d %s", got.Status, got.Body)
			}
		}
		apptest.Same(t, "images", c.send(t, "GET", "/api/v1/images/?instance="+uuid, ""), 200,
			`[{"registry_path":"registry.example.com/lib/image:1.0"}]`)
		if got := c.send(t, "PATCH", base+uuid+"/delete-image/", "image_registry_path="+image); got.Status != 200 {
			t.Errorf("delete-image: got %d %s", got.Status, got.Body)
		}
		apptest.Same(t, "images", c.send(t, "GET", "/api/v1/images/?instance="+uuid, ""), 200, "[]")

		apptest.Same(t, "delete", c.send(t, "DELETE", base+uuid+"/", "uuid="+uuid), 204, "")
		apptest.Same(t, "list after the delete", c.send(t, "GET", base, ""), 200, "[]")
	})
}

// A form with a key of the document profile works, with its answers.
func TestFormWithDocumentProfile(t *testing.T) {
	t.Parallel()
	s := apptest.NewBolt(t)
	secret := full(t, s).MintFor(t, "another", "alice", compute.ReadPermission, compute.WritePermission)
	c := client{s, secret}
	created := c.send(t, "POST", base, "name=n&type=cpu&ask_price=0.10")
	row := decode[map[string]any](t, created)
	if created.Status != 200 || row["ask_price"] != json.Number("0.1") {
		t.Errorf("create: got %d %s", created.Status, created.Body)
	}
	list := decode[[]map[string]any](t, c.send(t, "GET", base, ""))
	if len(list) != 1 || list[0]["type"] != "cpu" || list[0]["gpu"] != "n/a" {
		t.Errorf("list: got %v", list)
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	s := apptest.NewBolt(t)
	secret := s.Mint(t, "alice", compute.ReadPermission)
	const target = "/api/v1/api-token-auth/"
	apptest.Same(t, "JSON", s.Do(t, "POST", target, `{"username":"alice","password":"`+secret+`"}`, "Authorization:"), 200, `{"token":"`+secret+`"}`)
	const refused = `{"non_field_errors":["Unable to log in with provided credentials."]}`
	for _, body := range []string{
		`{"username":"alice","password":"wrong"}`, `{"username":"bob","password":"` + secret + `"}`, `{"username":"bob","password":"x"}`,
	} {
		apptest.Same(t, body, s.Do(t, "POST", target, body, "Authorization:"), 400, refused)
	}
	apptest.Same(t, "nothing", s.Do(t, "POST", target, `{}`, "Authorization:"), 400,
		`{"password":["This field is required."],"username":["This field is required."]}`)
	if _, err := s.Repository.RevokeCredential(t.Context(), "alice", s.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	s.Clock.Advance(2 * 60 * 1e9)
	apptest.Same(t, "revoked", s.Do(t, "POST", target, `{"username":"alice","password":"`+secret+`"}`, "Authorization:"), 400, refused)
}
