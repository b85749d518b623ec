package compute_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"instances/pkg/app/apptest"
	"instances/pkg/app/apptest/contract"
	"instances/pkg/compute"
	"instances/pkg/instance"
)

// create makes an instance and returns its path.
func create(t *testing.T, s *apptest.Server, body string) string {
	t.Helper()
	got := s.Do(t, "POST", base, body)
	if got.Status != 200 {
		t.Fatalf("create %s: got %d %s", body, got.Status, got.Body)
	}
	return got.Header.Get("Location")
}

// card is a GPU of the default catalogue.
func card() compute.GPU { return compute.DefaultGPUs()[0] }

func TestBadBodies(t *testing.T) {
	t.Parallel()
	s := apptest.NewBolt(t)
	s.Pin(s.Clock.Now())
	full(t, s)
	path := create(t, s, `{"name":"n","ask_price":1,"max_num_parallel_jobs":3}`)
	before := s.Do(t, "GET", path, "").Body
	const required = "This field is required."
	for _, test := range []struct {
		body  string
		want  map[string]string // of a POST or PUT: the start or end of a message of each field
		patch bool              // whether it is the same of a PATCH
	}{
		{`{}`, map[string]string{"name": required, "ask_price": required}, false},
		{`{"name":null,"ask_price":null}`, map[string]string{"name": "This field may not be null.", "ask_price": "This field may not be null."}, false},
		{`{"name":" ","ask_price":1}`, map[string]string{"name": "This field may not be blank."}, true},
		{`{"name":["n"],"ask_price":1}`, map[string]string{"name": "Not a valid string."}, true},
		{`{"name":true,"ask_price":1}`, map[string]string{"name": "Not a valid string."}, true},
		{`{"name":"` + strings.Repeat("é", 256) + `","ask_price":1}`, map[string]string{"name": "Ensure this field has no more than 255 characters."}, true},
		{`{"name":"a\u0000b","ask_price":1}`, map[string]string{"name": "Control characters are not allowed."}, true},
		{"{\"name\":\"\xff\",\"ask_price\":1}", map[string]string{"name": "no bytes outside UTF-8, no lone surrogates, and no U+FFFD, which stands for them, except as \\ufffd in JSON"}, true},
		{`{"name":"n","ask_price":1,"type":"\udc00"}`, map[string]string{"type": "no bytes outside UTF-8, no lone surrogates, and no U+FFFD, which stands for them, except as \\ufffd in JSON"}, true},
		{`{"name":"n","ask_price":"cheap"}`, map[string]string{"ask_price": "A valid number is required."}, true},
		{`{"name":"n","ask_price":"NaN"}`, map[string]string{"ask_price": "A valid number is required."}, true},
		{`{"name":"n","ask_price":1e999999999}`, map[string]string{"ask_price": "A valid number is required."}, true},
		{`{"name":"n","ask_price":1e20}`, map[string]string{"ask_price": "A valid number is required."}, true},
		{`{"name":"n","ask_price":"1E20"}`, map[string]string{"ask_price": "A valid number is required."}, true},
		{`{"name":"n","ask_price":""}`, map[string]string{"ask_price": "A valid number is required."}, true},
		{`{"name":"n","ask_price":0.0009999}`, map[string]string{"ask_price": "cannot be smaller than $0.001"}, true},
		{`{"name":"n","ask_price":-1}`, map[string]string{"ask_price": "cannot be smaller than $0.001"}, true},
		{`{"name":"n","ask_price":1,"type":"tpu"}`, map[string]string{"type": `"tpu" is not a valid choice.`}, true},
		{`{"name":"n","ask_price":1,"type":3}`, map[string]string{"type": `"3" is not a valid choice.`}, true},
		{`{"name":"n","ask_price":1,"type":1.5}`, map[string]string{"type": `"1.5" is not a valid choice.`}, true},
		{`{"name":"n","ask_price":1,"max_num_parallel_jobs":1e10}`, map[string]string{"max_num_parallel_jobs": "less than or equal to 2147483647."}, true},
		{`{"name":"n","ask_price":1,"type":"gpu","gpu":"` + strings.ReplaceAll(card().UUID, "-", "") + `0"}`, map[string]string{"gpu": "Must be a valid UUID."}, true},
		{`{"name":"n","ask_price":1,"max_num_parallel_jobs":"many"}`, map[string]string{"max_num_parallel_jobs": "A valid integer is required."}, true},
		{`{"name":"n","ask_price":1,"max_num_parallel_jobs":1.5}`, map[string]string{"max_num_parallel_jobs": "A valid integer is required."}, true},
		{`{"name":"n","ask_price":1,"max_num_parallel_jobs":0}`, map[string]string{"max_num_parallel_jobs": "Ensure this value is greater than or equal to 1."}, true},
		{`{"name":"n","ask_price":1,"type":"gpu"}`, map[string]string{"gpu": "needs to be provided if the instance is type GPU"}, false},
		{`{"name":"n","ask_price":1,"type":2,"gpu":null,"max_num_parallel_jobs":1}`, map[string]string{"gpu": "needs to be provided if the instance is type GPU"}, true},
		{`{"name":"n","ask_price":1,"gpu":"` + card().UUID + `"}`, map[string]string{"gpu": "is unnecessary because the instance is not, or not gonna be type GPU anymore"}, true},
		{`{"name":"n","ask_price":1,"type":"gpu","gpu":"x"}`, map[string]string{"gpu": "Must be a valid UUID."}, true},
		{`{"name":"n","ask_price":1,"type":"gpu","gpu":"00000000-0000-0000-0000-000000000000"}`, map[string]string{"gpu": "object does not exist."}, true},
		{`{"name":"n","ask_price":1,"type":"gpu","gpu":"` + card().UUID + `","max_num_parallel_jobs":2}`, map[string]string{"max_num_parallel_jobs": "is invalid. All GPU instances can only process one job at a time"}, true},
	} {
		methods := map[string]string{"POST": base, "PUT": path}
		if test.patch {
			methods["PATCH"] = path
		}
		for method, target := range methods {
			got := s.Do(t, method, target, test.body)
			messages := decode[map[string][]string](t, got)
			if got.Status != 400 || len(messages) != len(test.want) {
				t.Errorf("%s %.100s: got %d %s, want errors for %v", method, test.body, got.Status, got.Body, test.want)
			}
			for field, want := range test.want {
				if len(messages[field]) != 1 || !strings.HasSuffix(messages[field][0], want) {
					t.Errorf("%s %.100s: got %q for %s, want %q", method, test.body, messages[field], field, want)
				}
			}
		}
	}
	// What is only wrong together with what is stored.
	got := s.Do(t, "PATCH", path, `{"type":"gpu","gpu":"`+card().UUID+`","name":"changed"}`)
	want := `{"max_num_parallel_jobs":["The current set value (3) is invalid for a GPU instance. Please set it to 1"]}`
	apptest.Same(t, "cpu to gpu", got, 400, want)
	if after := s.Do(t, "GET", path, "").Body; after != before {
		t.Errorf("a refused request changed the instance: %s, was %s", after, before)
	}
	for _, body := range []string{"{", "[]", `"x"`, "null"} {
		for method, target := range map[string]string{"POST": base, "PUT": path, "PATCH": path} {
			if got := s.Do(t, method, target, body); got.Status != 400 || decode[map[string]string](t, got)["detail"] == "" {
				t.Errorf("%s %s: got %d %s", method, body, got.Status, got.Body)
			}
		}
	}
	if got := s.Do(t, "POST", base, "x", "Content-Type: text/plain"); got.Status != 415 {
		t.Errorf("text: got %d %s", got.Status, got.Body)
	}
	if got := s.Do(t, "POST", base, `{"name":"`+strings.Repeat("x", 1<<20)+`"}`); got.Status != 413 {
		t.Errorf("a large body: got %d %s", got.Status, got.Body)
	}
	if n := len(decode[[]any](t, s.Do(t, "GET", base, ""))); n != 1 {
		t.Errorf("there are %d instances, want 1", n)
	}
}

// The rules about a GPU that need nothing stored are in the schemas too. Their
// messages are among x-refusals, for the sake of PATCH.
func TestRulesInSchemas(t *testing.T) {
	t.Parallel()
	d := apptest.Documented(t, "compute")
	x := contract.Exchange{
		Method: "POST", URL: &url.URL{Path: base}, Status: 200,
		Header: http.Header{"Authorization": {"Token t"}, "Content-Type": {"application/json"}},
	}
	for _, bad := range []string{
		`{"name":"n","ask_price":1,"type":"gpu"}`,
		`{"name":"n","ask_price":1,"type":2,"gpu":null}`,
		`{"name":"n","ask_price":1,"type":" gpu ","gpu":" N/A "}`,
		`{"name":"n","ask_price":1,"gpu":"` + card().UUID + `"}`,
		`{"name":"n","ask_price":1,"type":1.0,"gpu":"` + card().UUID + `"}`,
		`{"name":"n","ask_price":1,"type":null,"gpu":"` + card().UUID + `"}`,
		`{"name":"n","ask_price":1,"type":"gpu","gpu":"` + card().UUID + `","max_num_parallel_jobs":2}`,
		`{"name":"n","ask_price":1,"type":2,"gpu":"` + card().UUID + `","max_num_parallel_jobs":"2"}`,
		`{"name":"n","ask_price":0.0009}`,
		`{"name":"n","ask_price":1e20}`,
		`{"name":"n","ask_price":"cheap"}`,
	} {
		x.Body = []byte(bad)
		if err := d.Check(x); err == nil || !strings.Contains(err.Error(), "accepted, but is not valid") {
			t.Errorf("%s: got %v, want it to be invalid", bad, err)
		}
	}
}

// What a request nests too deep is refused by name, read or not.
func TestDepth(t *testing.T) {
	t.Parallel()
	s := full(t, apptest.NewBolt(t))
	path := create(t, s, `{"name":"n","ask_price":1,"unknown":`+strings.Repeat("[", 100)+strings.Repeat("]", 100)+`}`)
	deep := strings.Repeat(`{"x":`, 101) + "1" + strings.Repeat("}", 101)
	for _, field := range []string{"gpu", "unknown"} {
		want := `{"` + field + `":["must not be nested deeper than 100 levels"]}`
		body := `{"name":"n","ask_price":1,"` + field + `":` + deep + `}`
		for _, r := range []struct{ method, target string }{
			{"POST", base},
			{"PUT", path},
			{"PATCH", path},
			{"PATCH", path + "add-image/"},
			{"PATCH", path + "delete-image/"},
			{"POST", "/api/v1/api-token-auth/"},
		} {
			apptest.Same(t, r.method+" "+r.target, s.Do(t, r.method, r.target, body), 400, want)
		}
	}
	// A value of a form is text, whatever it looks like.
	got := s.Do(t, "PATCH", path, url.Values{"name": {deep[:100]}}.Encode(), "Content-Type: application/x-www-form-urlencoded")
	if got.Status != 200 || decode[map[string]any](t, got)["name"] != deep[:100] {
		t.Errorf("a form: got %d %s", got.Status, got.Body)
	}
}

// A PATCH between the types keeps and clears the GPU; a PUT never keeps it.
func TestGPUs(t *testing.T) {
	t.Parallel()
	s := full(t, apptest.NewBolt(t))
	path := create(t, s, `{"name":"n","ask_price":1,"type":"gpu","gpu":"`+strings.ToUpper(card().UUID)+`"}`)
	check := func(what, kind, gpu, name string) {
		t.Helper()
		row := decode[map[string]any](t, s.Do(t, "GET", path, ""))
		if row["type"] != kind || row["gpu"] != gpu || row["gpu_name"] != name {
			t.Errorf("%s: got %v", what, row)
		}
	}
	steps := []struct{ method, body, kind, gpu, name string }{
		{"PATCH", `{"name":"m"}`, "gpu", card().UUID, card().Name},
		{"PATCH", `{"type":"gpu"}`, "gpu", card().UUID, card().Name},
		{"PATCH", `{"gpu":"` + compute.DefaultGPUs()[1].UUID + `"}`, "gpu", compute.DefaultGPUs()[1].UUID, compute.DefaultGPUs()[1].Name},
		{"PATCH", `{"type":"cpu"}`, "cpu", "n/a", "n/a"},
		{"PATCH", `{"type":2,"gpu":"` + card().UUID + `"}`, "gpu", card().UUID, card().Name},
		{"PUT", `{"name":"n","ask_price":2}`, "cpu", "n/a", "n/a"},
		{"PUT", `{"name":"n","ask_price":2,"type":"cpu","gpu":"n/a"}`, "cpu", "n/a", "n/a"},
	}
	for _, step := range steps {
		if got := s.Do(t, step.method, path, step.body); got.Status != 200 {
			t.Errorf("%s %s: got %d %s", step.method, step.body, got.Status, got.Body)
		}
		check(step.method+" "+step.body, step.kind, step.gpu, step.name)
	}

	// The operator's catalogue takes the place of the default one.
	own := compute.GPU{UUID: "0f0e0d0c-0b0a-4908-8706-050403020100", Name: "Own", Codename: "O1", CUDACores: 1, Available: true}
	data, err := compute.EncodeGPUs([]compute.GPU{own})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Repository.SetDocument(t.Context(), compute.GPUsDocument, data); err != nil {
		t.Fatal(err)
	}
	apptest.Same(t, "gpus", s.Do(t, "GET", "/api/v1/gpus/", ""), 200,
		`[{"uuid":"0f0e0d0c-0b0a-4908-8706-050403020100","name":"Own","codename":"O1","cuda_cores":1,"is_available":true}]`)
	if got := s.Do(t, "PATCH", path, `{"type":"gpu","gpu":"`+card().UUID+`"}`); got.Status != 400 {
		t.Errorf("a card that is gone: got %d %s", got.Status, got.Body)
	}
	if got := s.Do(t, "PATCH", path, `{"type":"gpu","gpu":"`+own.UUID+`"}`); got.Status != 200 {
		t.Errorf("an own card: got %d %s", got.Status, got.Body)
	}
	check("an own card", "gpu", own.UUID, "Own")
}

func TestParseGPUs(t *testing.T) {
	t.Parallel()
	data, err := compute.EncodeGPUs(compute.DefaultGPUs())
	if err != nil {
		t.Fatal(err)
	}
	if gpus, err := compute.ParseGPUs(data); err != nil || fmt.Sprint(gpus) != fmt.Sprint(compute.DefaultGPUs()) {
		t.Errorf("got %v and error %v, want the default", gpus, err)
	}
	const uuid = `"uuid":"0f0e0d0c-0b0a-4908-8706-050403020100"`
	for text, want := range map[string]string{
		`null`: "list",
		`[{` + uuid + `,"name":"n","is_available":"yes"}]`: "entry 1: is_available must be true or false",
		`{}`:                         "list",
		`[1]`:                        "entry 1",
		`[{"uuid":"x","name":"n"}]`:  "entry 1: uuid",
		`[{` + uuid + `}]`:           "entry 1: name",
		`[{` + uuid + `,"nam":"n"}]`: "nam",
		`[{` + uuid + `,"name":"n","cuda_cores":-1}]`:           "cuda_cores",
		`[{` + uuid + `,"name":"n"},{` + uuid + `,"name":"m"}]`: "entry 2: uuid",
		`[{` + uuid + `,"name":"n","cuda_cores":"many"}]`:       "cuda_cores",
	} {
		if _, err := compute.ParseGPUs([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v, want %q in it", text, err, want)
		}
	}
}

// Prices are decimals: what goes in comes out, to the last digit.
func TestPrices(t *testing.T) {
	t.Parallel()
	s := full(t, apptest.NewBolt(t))
	path := create(t, s, `{"name":"n","ask_price":1}`)
	for sent, want := range map[string]string{
		"0.1": "0.1", "0.10": "0.1", "1e-2": "0.01", "0.001": "0.001", "100": "100", "1.0": "1", "1E2": "100",
		"0.12345678901234567": "0.12345678901234567", "12345678901234567890.5": "12345678901234567890.5",
		"99999999999999999.9e3": "99999999999999999900",
	} {
		for _, body := range []string{`{"ask_price":` + sent + `}`, `{"ask_price":" ` + sent + ` "}`} {
			if got := s.Do(t, "PATCH", path, body); !strings.Contains(got.Body, `"ask_price":`+want+`,`) {
				t.Errorf("%s: got %d %s, want %s", body, got.Status, got.Body, want)
			}
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		whole, places := rapid.Uint32().Draw(r, "whole"), rapid.StringMatching(`[0-9]{0,11}[1-9]`).Draw(r, "places")
		price := fmt.Sprintf("%d.%s", whole, places)
		if whole == 0 {
			price = "1." + places
		}
		if got := s.Do(t, "PATCH", path, `{"ask_price":`+price+`}`); !strings.Contains(got.Body, `"ask_price":`+price+`,`) {
			r.Fatalf("%s: got %d %s", price, got.Status, got.Body)
		}
	})
}

// A started instance is available as long as it is seen.
func TestStatus(t *testing.T) {
	t.Parallel()
	s := apptest.NewBolt(t)
	path := create(t, full(t, s), `{"name":"n","ask_price":1}`)
	check := func(what string, want string) {
		t.Helper()
		if row := decode[map[string]any](t, s.Do(t, "GET", path, "")); row["status"] != json.Number(want) {
			t.Errorf("%s: status is %v, want %s", what, row["status"], want)
		}
	}
	poll := func() { apptest.Same(t, "get-jobs", s.Do(t, "GET", path+"get-jobs/", ""), 200, "[]") }
	check("new", "1")
	poll()
	check("heard of, not started", "1")
	s.Do(t, "PATCH", path+"start/", "")
	check("started", "2")
	s.Clock.Advance(15*time.Minute - time.Second)
	check("silent for nearly too long", "2")
	s.Clock.Advance(time.Second)
	check("silent for too long", "1")
	poll()
	check("heard of again", "2")
	s.Clock.Advance(15 * time.Minute)
	check("silent again", "1")
	s.Do(t, "PATCH", path+"start/", "")
	check("started again", "2")
	s.Do(t, "PATCH", path+"stop/", "")
	poll()
	check("stopped", "1")
}

// After a clock that was two days ahead, the next heartbeat counts, and silence
// does not go unnoticed until those days are over.
func TestClockGoesBack(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, s *apptest.Server) {
		const ahead = 48 * time.Hour
		path := create(t, full(t, s), `{"name":"n","ask_price":1}`)
		check := func(what, status string) {
			t.Helper()
			row := decode[map[string]any](t, s.Do(t, "GET", path, ""))
			seen, err := time.Parse("02-01-2006 15:04:05", fmt.Sprint(row["last_connection"]))
			if err != nil || seen.After(s.Clock.Now()) || row["status"] != json.Number(status) {
				t.Errorf("%s: status is %v, last connection %v, %v", what, row["status"], row["last_connection"], err)
			}
		}
		poll := func() { apptest.Same(t, "get-jobs", s.Do(t, "GET", path+"get-jobs/", ""), 200, "[]") }
		s.Clock.Advance(ahead)
		s.Do(t, "PATCH", path+"start/", "")
		poll()
		check("ahead", "2")
		s.Clock.Advance(-ahead)
		check("silent since the clock went back", "1")
		poll()
		check("heard of since", "2")
		s.Clock.Advance(14 * time.Minute)
		check("silent for nearly too long", "2")
		s.Clock.Advance(time.Minute)
		check("silent for too long", "1")
	})
}

// Polling is noted at most once a minute, and leaves state and version alone.
func TestHeartbeats(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, s *apptest.Server) {
		path := create(t, full(t, s), `{"name":"n","ask_price":1}`)
		seen := func() any { return decode[map[string]any](t, s.Do(t, "GET", path, ""))["last_connection"] }
		etag := s.Do(t, "GET", path, "").Header.Get("ETag")
		poll := func() { s.Do(t, "GET", path+"get-jobs/", "") }
		poll()
		first := seen()
		s.Clock.Advance(time.Minute - time.Second)
		poll()
		if got := seen(); got != first || got == nil {
			t.Errorf("within a minute: got %v, want %v", got, first)
		}
		s.Clock.Advance(time.Second)
		poll()
		if got := seen(); got == first {
			t.Errorf("after a minute: got %v still", got)
		}
		if got := s.Do(t, "GET", path, "").Header.Get("ETag"); got != etag {
			t.Errorf("got ETag %q, want %q", got, etag)
		}
		if got := s.Do(t, "PATCH", path, `{"name":"m"}`, "If-Match: "+etag); got.Status != 200 {
			t.Errorf("PATCH after heartbeats: got %d %s", got.Status, got.Body)
		}
	})
}

func TestImages(t *testing.T) {
	t.Parallel()
	s := apptest.NewBolt(t)
	path := create(t, full(t, s), `{"name":"n","ask_price":1}`)
	id := strings.TrimSuffix(strings.TrimPrefix(path, base), "/")
	for _, image := range []string{"b", "a", "b"} {
		if got := s.Do(t, "PATCH", path+"add-image/", `{"image_registry_path":"`+image+`"}`); got.Status != 200 {
			t.Errorf("got %d %s", got.Status, got.Body)
		}
	}
	apptest.Same(t, "images", s.Do(t, "GET", "/api/v1/images/?instance="+id, ""), 200, `[{"registry_path":"b"},{"registry_path":"a"}]`)
	if got := s.Do(t, "GET", path, ""); !strings.Contains(got.Body, `"downloaded_images":["b","a"]`) {
		t.Errorf("got %s", got.Body)
	}
	s.Do(t, "PATCH", path+"delete-image/", `{"image_registry_path":"b"}`)
	if got := s.Do(t, "PATCH", path+"delete-image/", `{"image_registry_path":"not there"}`); !strings.Contains(got.Body, `"downloaded_images":["a"]`) {
		t.Errorf("got %d %s", got.Status, got.Body)
	}
	apptest.Same(t, "no path", s.Do(t, "PATCH", path+"add-image/", `{}`), 400, `{"image_registry_path":["This field is required."]}`)
	apptest.Same(t, "no instance", s.Do(t, "GET", "/api/v1/images/", ""), 400, `{"instance":["This field is required."]}`)
	apptest.Same(t, "unknown instance", s.Do(t, "GET", "/api/v1/images/?instance=x", ""), 404, `{"detail":"Not found."}`)
	if got := s.Do(t, "GET", "/api/v1/images/?instances="+id, ""); got.Status != 400 {
		t.Errorf("unknown parameter: got %d %s", got.Status, got.Body)
	}
}

// Two owners never see each other's instances, by any operation.
func TestOwners(t *testing.T) {
	t.Parallel()
	s := apptest.NewBolt(t)
	s.Pin(s.Clock.Now())
	path := create(t, full(t, s), `{"name":"secret","ask_price":1}`)
	id := strings.TrimSuffix(strings.TrimPrefix(path, base), "/")
	before := s.Do(t, "GET", path, "").Body
	for _, profile := range []string{compute.DocumentProfile, compute.ClientProfile} {
		stranger := "Authorization: Token " + s.MintProfile(t, "bob-"+profile, "bob", map[string]string{"compute": profile},
			compute.ReadPermission, compute.WritePermission)
		for _, r := range []struct{ method, target, body string }{
			{"GET", path, ""},
			{"PUT", path, `{"name":"n","ask_price":2}`},
			{"PATCH", path, `{"name":"n"}`},
			{"DELETE", path, ""},
			{"PATCH", path + "start/", ""},
			{"PATCH", path + "stop/", ""},
			{"PATCH", path + "add-image/", `{"image_registry_path":"i"}`},
			{"PATCH", path + "delete-image/", `{"image_registry_path":"i"}`},
			{"GET", path + "get-jobs/", ""},
			{"GET", "/api/v1/images/?instance=" + id, ""},
		} {
			apptest.Same(t, r.method+" "+r.target, s.Do(t, r.method, r.target, r.body, stranger), 404, `{"detail":"Not found."}`)
		}
		apptest.Same(t, "list", s.Do(t, "GET", base, "", stranger), 200, "[]")
		apptest.Same(t, "page", s.Do(t, "GET", base+"?limit=10", "", stranger), 200, "[]")
		// A cursor leads nobody to another owner.
		for _, owner := range []string{"alice", "bob"} {
			forged := instance.Query{Kind: compute.Kind(), Collections: []string{owner}}.
				Cursor(instance.Instance{Kind: compute.Kind(), Collection: "alice", ID: instance.NewTimeID(s.Clock.Now().Add(time.Hour))})
			if got := s.Do(t, "GET", base+"?limit=1&cursor="+forged, "", stranger); got.Status != 400 || decode[map[string][]string](t, got)["cursor"] == nil {
				t.Errorf("a forged cursor: got %d %s", got.Status, got.Body)
			}
		}
	}
	if after := s.Do(t, "GET", path, "").Body; after != before {
		t.Errorf("a stranger changed the instance: %s, was %s", after, before)
	}
	colleague := s.MintFor(t, "alice-2", "alice", compute.ReadPermission)
	if got := s.Do(t, "GET", path, "", "Authorization: Token "+colleague); got.Body != before {
		t.Errorf("another key of the owner: got %d %s", got.Status, got.Body)
	}
	for _, r := range [][2]string{{"POST", base}, {"PUT", path}, {"PATCH", path}, {"DELETE", path}, {"PATCH", path + "start/"}, {"GET", path + "get-jobs/"}} {
		apptest.Same(t, "read only "+r[0], s.Do(t, r[0], r[1], "{}", "Authorization: Token "+colleague), 403,
			`{"detail":"You do not have permission to perform this action: the key lacks compute:write."}`)
	}
}

// Lists are newest first, in pages too.
func TestPages(t *testing.T) {
	t.Parallel()
	s := full(t, apptest.NewBolt(t))
	var want string
	for n := range 7 {
		create(t, s, fmt.Sprintf(`{"name":"n%d","ask_price":1}`, n))
		s.Clock.Advance(time.Millisecond)
		want = fmt.Sprintf("n%d ", n) + want
	}
	names := func(got apptest.Response) string {
		var b strings.Builder
		for _, row := range decode[[]map[string]any](t, got) {
			fmt.Fprintf(&b, "%v ", row["name"])
		}
		return b.String()
	}
	if got := names(s.Do(t, "GET", base, "")); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var all strings.Builder
	target := base + "?limit=3"
	for range 3 {
		page := s.Do(t, "GET", target, "")
		all.WriteString(names(page))
		target = strings.TrimSuffix(strings.TrimPrefix(page.Header.Get("Link"), "<"), `>; rel="next"`)
	}
	if all.String() != want || target != "" {
		t.Errorf("in pages: got %q, then %q, want %q", all.String(), target, want)
	}
	for _, query := range []string{"?limit=0", "?cursor=x", "?name=n1"} {
		if got := s.Do(t, "GET", base+query, ""); got.Status != 400 || len(decode[map[string][]string](t, got)) != 1 {
			t.Errorf("%s: got %d %s", query, got.Status, got.Body)
		}
	}
}

// Every write that is repeated, in whatever form, gets its first answer and has no
// further effect.
func TestRepeatedWrites(t *testing.T) {
	t.Parallel()
	s := full(t, apptest.NewBolt(t))
	const form = "Content-Type: application/x-www-form-urlencoded"
	path := create(t, s, `{"name":"n","ask_price":1}`)
	other := create(t, s, `{"name":"other","ask_price":1}`)
	writes := []struct{ method, at, body, form string }{
		{"PUT", "", `{"name":"m","ask_price":"1.0"}`, "ask_price=1.0&name=m"},
		{"PATCH", "", `{"name":"l"}`, "name=l"},
		{"PATCH", "start/", "", ""},
		{"PATCH", "stop/", "", ""},
		{"PATCH", "add-image/", `{"image_registry_path":"a/b"}`, "image_registry_path=a%2Fb"},
		{"PATCH", "delete-image/", `{"image_registry_path":"a/b"}`, "image_registry_path=a%2Fb"},
		{"DELETE", "", "", ""},
	}
	var firsts []apptest.Response
	for _, w := range writes {
		state := s.Do(t, "GET", path, "").Header.Get("ETag")
		first := s.Do(t, w.method, path+w.at, w.body, "Idempotency-Key: k", "If-Match: "+state)
		if first.Status != 200 {
			t.Fatalf("%s %s: got %d %s", w.method, w.at, first.Status, first.Body)
		}
		if now := first.Header.Get("ETag"); w.method != "DELETE" && now == state {
			t.Errorf("%s %s had no effect: got %s", w.method, w.at, first.Body)
		}
		firsts = append(firsts, first)
		s.Clock.Advance(time.Minute)
		for n, first := range firsts {
			w := writes[n]
			again := s.Do(t, w.method, path+w.at, w.form, "Idempotency-Key: k", "If-Match: "+state, form)
			if again.Status != 200 || again.Body != first.Body || again.Header.Get("ETag") != first.Header.Get("ETag") {
				t.Errorf("%s %s repeated: got %d %s, want %s", w.method, w.at, again.Status, again.Body, first.Body)
			}
		}
		if got := s.Do(t, w.method, other+w.at, w.body, "Idempotency-Key: k"); got.Status != 422 {
			t.Errorf("%s %s of another instance: got %d %s", w.method, w.at, got.Status, got.Body)
		}
	}
	if got := s.Do(t, "PATCH", path, `{"name":"k"}`, "Idempotency-Key: k"); got.Status != 422 {
		t.Errorf("with another body: got %d %s", got.Status, got.Body)
	}
	if got := s.Do(t, "DELETE", path, ""); got.Status != 404 {
		t.Errorf("without a key: got %d %s", got.Status, got.Body)
	}
}

// A request that is repeated gets its first answer though its GPU has left the
// catalogue since; another one with the GPU is refused.
func TestRepeatedWritesOfGPU(t *testing.T) {
	t.Parallel()
	s := full(t, apptest.NewBolt(t))
	gpu := compute.DefaultGPUs()[0].UUID
	whole := `{"name":"n","ask_price":1,"type":"gpu","gpu":"` + gpu + `"}`
	path := create(t, s, `{"name":"n","ask_price":1}`)
	writes := []struct{ method, path, body string }{
		{"POST", base, whole}, {"PUT", path, whole}, {"PATCH", path, `{"type":"gpu","gpu":"` + gpu + `"}`},
	}
	var firsts []apptest.Response
	for _, w := range writes {
		first := s.Do(t, w.method, w.path, w.body, "Idempotency-Key: k")
		if first.Status != 200 {
			t.Fatalf("%s: got %d %s", w.method, first.Status, first.Body)
		}
		firsts = append(firsts, first)
	}
	if err := s.Repository.SetDocument(t.Context(), compute.GPUsDocument, []byte("[]")); err != nil {
		t.Fatal(err)
	}
	for n, w := range writes {
		if again := s.Do(t, w.method, w.path, w.body, "Idempotency-Key: k"); again.Status != 200 || again.Body != firsts[n].Body {
			t.Errorf("%s repeated: got %d %s, want %s", w.method, again.Status, again.Body, firsts[n].Body)
		}
		for _, header := range []string{"X: none", "Idempotency-Key: other"} {
			if got := s.Do(t, w.method, w.path, w.body, header); got.Status != 400 || !strings.Contains(got.Body, "gpu") {
				t.Errorf("%s with %s: got %d %s, want 400", w.method, header, got.Status, got.Body)
			}
		}
	}
}

func TestManners(t *testing.T) {
	t.Parallel()
	s := full(t, apptest.NewBolt(t))
	first := s.Do(t, "POST", base, `{"name":"n","ask_price":1}`, "Idempotency-Key: k")
	s.Clock.Advance(time.Hour)
	again := s.Do(t, "POST", base, `{"name":"n","ask_price":1}`, "Idempotency-Key: k")
	if again.Status != 200 || again.Body != first.Body || again.Header.Get("Location") != first.Header.Get("Location") {
		t.Errorf("repeated: got %d %s, want %s", again.Status, again.Body, first.Body)
	}
	if got := s.Do(t, "POST", base, `{"name":"m","ask_price":1}`, "Idempotency-Key: k"); got.Status != 422 {
		t.Errorf("repeated with another body: got %d %s", got.Status, got.Body)
	}
	path, etag := first.Header.Get("Location"), first.Header.Get("ETag")
	if got := s.Do(t, "GET", path, "", "If-None-Match: "+etag); got.Status != 200 || got.Header.Get("ETag") != etag {
		t.Errorf("GET: got %d and ETag %q, want 200 and %q", got.Status, got.Header.Get("ETag"), etag)
	}
	if got := s.Do(t, "PATCH", path, `{"name":"m"}`, "If-Match: "+etag); got.Status != 200 {
		t.Errorf("PATCH of what is known: got %d %s", got.Status, got.Body)
	}
	current := s.Do(t, "GET", path, "").Header.Get("ETag")
	if got := s.Do(t, "PUT", path, `{"name":"n","ask_price":2}`, "If-None-Match: *"); got.Status != 412 {
		t.Errorf("PUT of what must not exist: got %d %s", got.Status, got.Body)
	}
	for _, r := range []struct{ method, target, body string }{
		{"PUT", path, `{"name":"n","ask_price":2}`},
		{"PATCH", path, `{"name":"n"}`},
		{"PATCH", path + "start/", ""},
		{"PATCH", path + "add-image/", `{"image_registry_path":"i"}`},
		{"DELETE", path, ""},
	} {
		got := s.Do(t, r.method, r.target, r.body, "If-Match: "+etag)
		if detail := decode[map[string]string](t, got)["detail"]; got.Status != 412 || !strings.Contains(detail, current) || got.Header.Get("ETag") != current {
			t.Errorf("%s %s of another state: got %d, ETag %q, %s, want the current ETag %s", r.method, r.target, got.Status, got.Header.Get("ETag"), got.Body, current)
		}
	}
	apptest.Same(t, "method", s.Do(t, "POST", path, "{}"), 405, `{"detail":"Method \"POST\" not allowed."}`)
	apptest.Same(t, "path", s.Do(t, "GET", "/api/v1/nothing/", ""), 404, `{"detail":"Not found."}`)
	apptest.Same(t, "id", s.Do(t, "GET", base+"x/", ""), 404, `{"detail":"Not found."}`)
}

// Concurrent changes all take effect.
func TestParallelImages(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, s *apptest.Server) {
		path := create(t, full(t, s), `{"name":"n","ask_price":1}`)
		const n = 8
		var all sync.WaitGroup
		for i := range n {
			all.Go(func() {
				if got := s.Do(t, "PATCH", path+"add-image/", fmt.Sprintf("image_registry_path=i%d", i), "Content-Type: application/x-www-form-urlencoded"); got.Status != 200 {
					t.Errorf("got %d %s", got.Status, got.Body)
				}
				s.Do(t, "GET", path+"get-jobs/", "")
			})
		}
		all.Wait()
		row := decode[map[string]any](t, s.Do(t, "GET", path, ""))
		if images, _ := row["downloaded_images"].([]any); len(images) != n || row["last_connection"] == nil {
			t.Errorf("got %v", row)
		}
	})
}

func TestHead(t *testing.T) {
	t.Parallel()
	apptest.Everywhere(t, func(t *testing.T, s *apptest.Server) {
		path := create(t, full(t, s), `{"name":"n","ask_price":1}`)
		for _, target := range []string{
			base, base + "?limit=0", path, base + "x/", "/api/v1/gpus/", "/api/v1/images/",
			"/api/v1/images/?instance=" + strings.Trim(strings.TrimPrefix(path, base), "/"),
		} {
			s.CheckHead(t, target)
			s.CheckHead(t, target, "Authorization:")
		}
		// A GET of this path is a heartbeat, and a HEAD must have no effect.
		if got := s.Do(t, "HEAD", path+"get-jobs/", ""); got.Status != 405 || got.Header.Get("Allow") != "GET, OPTIONS" {
			t.Errorf("HEAD of get-jobs: got %d %v", got.Status, got.Header)
		}
		if row := decode[map[string]any](t, s.Do(t, "GET", path, "")); row["last_connection"] != nil {
			t.Errorf("HEAD is a heartbeat: %v", row)
		}
	})
}

// Null is as good as nothing for what need not be given, and an integer and a UUID
// may be written in more than one way.
func TestLenient(t *testing.T) {
	t.Parallel()
	s := full(t, apptest.NewBolt(t))
	jobs := func(got apptest.Response) string {
		t.Helper()
		row := decode[map[string]any](t, got)
		return strings.TrimSpace(fmt.Sprintln(got.Status, row["name"], row["type"], row["ask_price"], row["max_num_parallel_jobs"], row["gpu"]))
	}
	const nulls = `"type":null,"gpu":null,"max_num_parallel_jobs":null`
	created := s.Do(t, "POST", base, `{"name":"n","ask_price":1,`+nulls+`}`)
	path := created.Header.Get("Location")
	hyphenless := strings.ToUpper(strings.ReplaceAll(card().UUID, "-", ""))
	if got, want := jobs(created), "200 n 1 1 1 <nil>"; got != want {
		t.Fatalf("POST: got %s, want %s", got, want)
	}
	for _, step := range []struct{ method, body, want string }{
		{"PATCH", `{"max_num_parallel_jobs":3.0,"type":1.0}`, "200 n 1 1 3 <nil>"},
		{"PATCH", `{"name":null,"ask_price":null,` + nulls + `}`, "200 n 1 1 3 <nil>"},
		{"PATCH", `{"max_num_parallel_jobs":2e3}`, "200 n 1 1 2000 <nil>"},
		{"PUT", `{"name":"m","ask_price":2e0,` + nulls + `}`, "200 m 1 2 1 <nil>"},
		{"PATCH", `{"type":2.0,"gpu":"` + hyphenless + `"}`, "200 m 2 2 1 " + card().UUID},
	} {
		if got := jobs(s.Do(t, step.method, path, step.body)); got != step.want {
			t.Errorf("%s %s: got %s, want %s", step.method, step.body, got, step.want)
		}
	}
	if got := s.Do(t, "PATCH", path+"add-image/", `{"image_registry_path":null}`); got.Status != 400 {
		t.Errorf("no image: got %d %s", got.Status, got.Body)
	}
	if got := s.Do(t, "GET", "/api/v1/gpus/?_=1", ""); got.Status != 200 {
		t.Errorf("a parameter against caches: got %d %s", got.Status, got.Body)
	}
	// The type that curl sends by default.
	if got := s.Do(t, "PATCH", path, `{"name":"o"}`, "Content-Type: application/x-www-form-urlencoded"); jobs(got) != "200 o 2 2 1 "+card().UUID {
		t.Errorf("JSON as a form: got %d %s", got.Status, got.Body)
	}
}

// A sign of life is later than the last write, and no write itself.
func TestUpdatedAt(t *testing.T) {
	t.Parallel()
	s := full(t, apptest.NewBolt(t))
	updated := func(got apptest.Response) string {
		t.Helper()
		return decode[map[string]any](t, got)["updated_at"].(string)
	}
	format := func(at time.Time) string { return at.UTC().Format("02-01-2006 15:04:05") }
	path := create(t, s, `{"name":"n","ask_price":1}`)
	first := s.Do(t, "GET", path, "")
	if got := updated(first); got != format(s.Clock.Now()) {
		t.Errorf("created: got %s", got)
	}
	s.Clock.Advance(time.Hour)
	seen := s.Clock.Now()
	s.Do(t, "GET", path+"get-jobs/", "")
	s.Clock.Advance(time.Hour)
	got := s.Do(t, "GET", path, "")
	if updated(got) != format(seen) || got.Header.Get("ETag") != first.Header.Get("ETag") {
		t.Errorf("seen: got %s and %s, want %s and the ETag %s", updated(got), got.Header.Get("ETag"), format(seen), first.Header.Get("ETag"))
	}
	if got := updated(s.Do(t, "PATCH", path, `{"name":"m"}`)); got != format(s.Clock.Now()) {
		t.Errorf("changed: got %s", got)
	}
	// A sign of life of a clock that was ahead counts as one of now.
	s.Clock.Advance(48 * time.Hour)
	s.Do(t, "GET", path+"get-jobs/", "")
	s.Clock.Advance(-24 * time.Hour)
	if got := updated(s.Do(t, "GET", path, "")); got != format(s.Clock.Now()) {
		t.Errorf("a clock that was ahead: got %s", got)
	}
}
