package topology_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"instances/pkg/app/apptest"
	"instances/pkg/topology"
)

// TestPatchProperty compares random PATCHes with a plain model of them.
func TestPatchProperty(t *testing.T) {
	t.Parallel()
	s := full(t, apptest.NewBolt(t))
	codes := 0
	rapid.Check(t, func(r *rapid.T) {
		codes++
		path := create(t, s, fmt.Sprintf(`{"instanceName":"n","instanceCode":"p%d"}`, codes))
		model := map[string][]int64{"environments": {}, "workflows": {}}
		description := "null"
		for range rapid.IntRange(1, 4).Draw(r, "patches") {
			patch := map[string]any{}
			for name, list := range model {
				given := rapid.SliceOfN(rapid.Int64Range(0, 9), 0, 5).Draw(r, name)
				if !rapid.Bool().Draw(r, "give "+name) {
					continue
				}
				patch[name] = given
				for _, n := range given {
					if !slices.Contains(list, n) {
						list = append(list, n)
					}
				}
				model[name] = list
			}
			if text := rapid.SampledFrom([]any{nil, "", "d", `"<ü>`}).Draw(r, "description"); text != nil {
				patch["description"] = text
				b, err := json.Marshal(text)
				if err != nil {
					r.Fatal(err)
				}
				description = map[bool]string{true: "null", false: string(b)}[text == ""]
			}
			b, err := json.Marshal(patch)
			if err != nil {
				r.Fatal(err)
			}
			if got := s.Do(t, "PATCH", path, string(b)); got.Status != 200 {
				r.Fatalf("PATCH %s: got %d %s", b, got.Status, got.Body)
			}
		}
		got := get(t, s, path)
		for name, list := range model {
			if want := strings.ReplaceAll(fmt.Sprint(list), " ", ","); string(got[name]) != want {
				r.Fatalf("%s: got %s, want %s", name, got[name], want)
			}
		}
		var is, want string
		if json.Unmarshal(got["description"], &is) != nil || json.Unmarshal([]byte(description), &want) != nil || is != want {
			r.Fatalf("description: got %s, want %s", got["description"], description)
		}
	})
}

// FuzzCreate sends anything as a body: it is refused with a clear error, or
// creates what a GET, a search and a PUT of the answer then agree on.
func FuzzCreate(f *testing.F) {
	s := apptest.NewBolt(f)
	s.Mint(f, "alice", topology.ReadPermission, topology.WritePermission)
	for _, seed := range []string{
		`{"instanceName":"n","instanceCode":"c"}`, `{"instanceName":"\ud800","instanceCode":"\u0000"}`,
		`{"instanceName":"n","instanceCode":"c","pluginOperations":[{"pluginId":1,"operation":""},{"propertySetName":"","ownerId":-1}]}`,
		`{"instanceName":"İ","instanceCode":"ß","instanceCode":"ẞ","environments":[-0,1]}`,
		`{"instanceName":"n","instanceCode":"c","environments":[1e2]}`, `[]`, `{`, "\xff",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		created := s.Do(t, "POST", topology.BasePath, body)
		if created.Status == 400 {
			var p problem
			if err := json.Unmarshal([]byte(created.Body), &p); err != nil || p.Detail == "" {
				t.Fatalf("got 400 %s", created.Body)
			}
			return
		}
		if created.Status != 201 {
			t.Fatalf("got %d %s", created.Status, created.Body)
		}
		path := created.Header.Get("Location")
		n, err := strconv.ParseInt(path[strings.LastIndex(path, "/")+1:], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Delete(t, topology.Kind(), n)
		if got := s.Do(t, "GET", path, ""); got.Body != created.Body {
			t.Errorf("GET: got %d %s, want %s", got.Status, got.Body, created.Body)
		}
		var code struct{ InstanceCode string }
		if err := json.Unmarshal([]byte(created.Body), &code); err != nil {
			t.Fatal(err)
		}
		query := url.Values{"instanceCode": {code.InstanceCode}}
		if got := s.Do(t, "GET", topology.BasePath+"?"+query.Encode(), ""); got.Body != "["+created.Body+"]" {
			t.Errorf("search for %q: got %d %s, want %s", code.InstanceCode, got.Status, got.Body, created.Body)
		}
		if got := s.Do(t, "PUT", path, created.Body); got.Status != 200 || got.Body != created.Body {
			t.Errorf("PUT of the answer: got %d %s, want %s", got.Status, got.Body, created.Body)
		}
	})
}
