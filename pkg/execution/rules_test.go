package execution_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"instances/pkg/app/apptest"
	"instances/pkg/execution"
	"instances/pkg/instance"
)

// body returns a body that is valid, with more in it.
func body(more string) string {
	return `{"idRef":"m","name":"n","mode":"ExecSync","user":"u","input":1` + more + `}`
}

// create makes an instance and returns its members.
func create(t *testing.T, s *apptest.Server, body string) map[string]json.RawMessage {
	t.Helper()
	got := s.Do(t, "PUT", "/instances/create", body)
	if got.Status != 200 {
		t.Fatalf("create %.200s: got %d %s", body, got.Status, got.Body)
	}
	return members(t, got)
}

// members returns the members of an instance that was answered.
func members(t *testing.T, got apptest.Response) map[string]json.RawMessage {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal([]byte(got.Body), &m); err != nil || got.Status != 200 {
		t.Fatalf("got %d %s", got.Status, got.Body)
	}
	return m
}

func TestRandomID(t *testing.T) {
	t.Parallel()
	s := full(t, apptest.NewBolt(t))
	for _, given := range []string{"", `,"id":null`, `,"id":""`} {
		id := string(create(t, s, body(given))["id"])
		if !regexp.MustCompile(`^"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"$`).MatchString(id) {
			t.Errorf("%q: got id %s, want a random UUID", given, id)
		}
	}
}

// An instance that ended by a clock that was ahead is idle since the next
// update, not from that time on.
func TestIdleSinceFuture(t *testing.T) {
	t.Parallel()
	s := full(t, apptest.NewBolt(t))
	create(t, s, body(`,"id":"one"`))
	key, err := execution.Key("one")
	if err != nil {
		t.Fatal(err)
	}
	const ahead = 48 * time.Hour
	update := func(want time.Time) {
		t.Helper()
		if got := s.Do(t, "POST", "/instances/update", body(`,"id":"one","otStatus":"deleted"`)); got.Status != 200 {
			t.Fatalf("update: got %d %s", got.Status, got.Body)
		}
		if i, err := s.Repository.Get(t.Context(), key); err != nil || !i.IdleSince.Equal(want) {
			t.Errorf("idle since %v, %v; want %v", i.IdleSince, err, want)
		}
	}
	s.Clock.Advance(ahead)
	update(s.Clock.Now())
	s.Clock.Advance(-ahead)
	back := s.Clock.Now()
	update(back)
	s.Clock.Advance(time.Hour)
	update(back)
}

func TestBadBodies(t *testing.T) {
	t.Parallel()
	s := full(t, apptest.NewBolt(t))
	create(t, s, body(`,"id":"one"`))
	before := s.Do(t, "GET", "/instances/get/one", "").Body
	long := strings.Repeat("é", 256)
	for _, test := range []struct{ body, want string }{
		{`{"id":"one"}`, "idRef is required; name is required; mode is required; user is required; input is required"},
		{`{"id":"one","idRef":null,"name":"n","mode":"ExecSync","user":"u","input":1}`, "idRef is required"},
		{`{"id":"one","idRef":"m","name":" ","mode":"ExecSync","user":"u","input":1}`, "name must not be blank"},
		{`{"id":"one","idRef":"m","name":"n","mode":"Sync","user":"u","input":1}`, "mode must be one of ExecAsync, ExecSync, Subscription"},
		{`{"id":"one","idRef":"m","name":"n","mode":"execsync","user":"u","input":1}`, "mode must be one of"},
		{`{"id":"one","idRef":"m","name":"n","mode":1,"user":"u","input":1}`, "mode must be a string"},
		{`{"id":"one","idRef":"m","name":"n","mode":"ExecSync","input":1}`, "user is required"},
		{`{"id":"one","idRef":"m","name":"n","mode":"ExecSync","user":"u","input":null}`, "input is required"},
		{`{"id":"one","idRef":"m","name":"n","mode":"ExecSync","user":"u","input":null,"forceinput":null}`, "input is required"},
		{`{"id":"one","idRef":"m","name":"n","mode":"ExecSync","user":7,"forceinput":[]}`, "user must be a string"},
		{`{"id":"one","idRef":"` + long + `","name":"n","mode":"ExecSync","user":"u","input":1}`, "idRef must have at most 255"},
		{`{"id":"one","idRef":"a\tb","name":"n","mode":"ExecSync","user":"u","input":1}`, "idRef must not have control characters"},
		{`{"id":"one","idRef":"m","name":"a\nb","mode":"ExecSync","user":"u","input":1}`, "name must not have control characters"},
		{`{"id":"one","idRef":"m","name":"n","mode":"ExecSync","user":"\u0000","input":1}`, "user must not have control characters"},
		{`{"id":"one","idRef":"m","name":"n","mode":"ExecSync","user":"u","input":{"a":["\ud800"]}}`, "input must be Unicode text"},
		{body(",\"id\":\"one\",\"logging\":\"\xff\""), "logging must be Unicode text"},
		{body(`,"id":"one","description":[]`), "description must be a string"},
		{body(`,"id":7`), "id must be a string"},
	} {
		refused(t, "create", s.Do(t, "PUT", "/instances/create", test.body), 400, test.want)
		refused(t, "update", s.Do(t, "POST", "/instances/update", test.body), 400, test.want)
	}
	for _, id := range []string{"a/b", "a b", "é", strings.Repeat("x", 129)} {
		refused(t, "create "+id, s.Do(t, "PUT", "/instances/create", body(`,"id":"`+id+`"`)), 400, "id must be 1 to 128")
		refused(t, "update "+id, s.Do(t, "POST", "/instances/update", body(`,"id":"`+id+`"`)), 400, "Instance not found")
	}
	for _, id := range []string{".", ".."} {
		refused(t, "create "+id, s.Do(t, "PUT", "/instances/create", body(`,"id":"`+id+`"`)), 400, "id must not be . or ..")
	}
	for more, want := range map[string]string{
		`,"id":"one","otStatus":"running"`: "otStatus must be one of created, pulling, deployed, error, deleted",
		`,"id":"one","start":"soon"`:       "start must be an integer",
		`,"id":"one","dockerId":1`:         "dockerId must be a string",
		`,"id":"one","dockerId":"a\nb"`:    "dockerId must not have control characters",
		``:                                 "id is required",
	} {
		refused(t, "update", s.Do(t, "POST", "/instances/update", body(more)), 400, want)
	}
	for _, malformed := range []string{"", "{", "[]", "null", body("") + "x"} {
		refused(t, "create", s.Do(t, "PUT", "/instances/create", malformed), 400, "body")
		refused(t, "update", s.Do(t, "POST", "/instances/update", malformed), 400, "body")
	}
	large := body(`,"id":"large","output":"` + strings.Repeat("x", 300<<10) + `"`)
	refused(t, "large", s.Do(t, "PUT", "/instances/create", large), 413, "bytes")
	refused(t, "large", s.Do(t, "POST", "/instances/update", strings.Replace(large, `"large"`, `"one"`, 1)), 413, "bytes")
	refused(t, "huge", s.Do(t, "PUT", "/instances/create", body(`,"output":"`+strings.Repeat("x", 1<<20)+`"`)), 413, "bytes")
	refused(t, "get of no id", s.Do(t, "GET", "/instances/get/a%2Fb", ""), 400, "Instance not found")
	if after := s.Do(t, "GET", "/instances/get/one", "").Body; after != before {
		t.Errorf("a refused request changed the instance: %s, was %s", after, before)
	}
	if n := len(ids(t, s.Do(t, "GET", "/instances/list", ""))); n != 1 {
		t.Errorf("there are %d instances, want 1", n)
	}
}

// What a request nests too deep is refused by name. What was stored before
// there was a limit can be read, replaced, deleted and restored.
func TestDepth(t *testing.T) {
	t.Parallel()
	s := full(t, apptest.NewBolt(t))
	nested := func(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }
	create(t, s, body(`,"id":"one","forceinput":`+nested(100)))
	for _, field := range []string{"input", "forceinput", "output", "logging", "unknown"} {
		deep := body(`,"id":"one","` + field + `":` + nested(101))
		refused(t, "create "+field, s.Do(t, "PUT", "/instances/create", deep), 400, field+" must not be nested deeper than 100 levels")
		refused(t, "update "+field, s.Do(t, "POST", "/instances/update", deep), 400, field+" must not be nested deeper than 100 levels")
	}

	// The deepest that a body of encoding/json's 10,000 levels could hold.
	input := nested(9_999)
	key, err := execution.Key("old")
	if err != nil {
		t.Fatal(err)
	}
	old := instance.Instance{
		Kind: key.Kind, Collection: key.Collection, ID: key.ID, Group: "m", SubGroup: "u", Name: "n", Status: "created", Active: true,
		Owner: "alice", Version: 1, Incarnation: "1", CreatedAt: s.Clock.Now(), UpdatedAt: s.Clock.Now(),
		Attributes: json.RawMessage(`{"mode":"ExecSync","input":` + input + `}`),
	}
	change := instance.Change{By: "test", Owner: "alice", At: s.Clock.Now(), Operation: "create"}
	if err := s.Repository.Create(t.Context(), old, change, nil); err != nil {
		t.Fatal(err)
	}
	read := func() {
		t.Helper()
		if got := members(t, s.Do(t, "GET", "/instances/get/old", "")); string(got["input"]) != input {
			t.Errorf("got %.100s", got["input"])
		}
	}
	read()
	// A list is a level more than encoding/json reads.
	if got := s.Do(t, "GET", "/instances/list", ""); got.Status != 200 || !strings.Contains(got.Body, `"input":`+input+`,`) {
		t.Errorf("list: got %d %.100s", got.Status, got.Body)
	}
	if got := s.Do(t, "DELETE", "/instances/delete/old", ""); got.Status != 200 {
		t.Errorf("delete: got %d %s", got.Status, got.Body)
	}
	if _, err := s.Repository.Restore(t.Context(), key, change); err != nil {
		t.Fatal(err)
	}
	read()
	if got := members(t, s.Do(t, "POST", "/instances/update", body(`,"id":"old","otStatus":"deployed"`))); string(got["otStatus"]) != `"deployed"` {
		t.Errorf("update: got %s", got)
	}
}

// ids returns the ids in a list, sorted.
func ids(t *testing.T, got apptest.Response) []string {
	t.Helper()
	var list []struct{ ID string }
	if err := json.Unmarshal([]byte(got.Body), &list); err != nil || got.Status != 200 {
		t.Fatalf("got %d %s, want a list", got.Status, got.Body)
	}
	all := []string{}
	for _, i := range list {
		all = append(all, i.ID)
	}
	slices.Sort(all)
	return all
}

// An update keeps what an engine wrote, unless it is sent.
func TestUpdate(t *testing.T) {
	t.Parallel()
	s := full(t, apptest.NewBolt(t))
	creation := string(create(t, s, body(`,"id":"one","description":"d","output":[1]`))["creation"])
	s.Clock.Advance(time.Hour)
	for _, step := range []struct{ more, status, start, docker string }{
		{``, `"created"`, `null`, `null`},
		{`,"otStatus":"pulling"`, `"pulling"`, `null`, `null`},
		{`,"otStatus":"deployed","start":5,"dockerId":"d"`, `"deployed"`, `5`, `"d"`},
		{``, `"deployed"`, `5`, `"d"`},
		{`,"otStatus":null,"start":null,"dockerId":null`, `"deployed"`, `5`, `"d"`},
		{`,"otStatus":"error","start":9223372036854775807`, `"error"`, `9223372036854775807`, `"d"`},
		{`,"otStatus":"deleted","creation":7,"output":null,"logging":null`, `"deleted"`, `9223372036854775807`, `"d"`},
	} {
		got := members(t, s.Do(t, "POST", "/instances/update", body(`,"id":"one"`+step.more)))
		if string(got["otStatus"]) != step.status || string(got["start"]) != step.start || string(got["dockerId"]) != step.docker {
			t.Errorf("%s: got %s", step.more, got)
		}
		if string(got["creation"]) != creation || string(got["description"]) != "null" || string(got["output"]) != "null" {
			t.Errorf("%s: got creation %s, description %s and output %s; only creation stays", step.more, got["creation"], got["description"], got["output"])
		}
	}
	// deleted is a status of the container.
	if got := ids(t, s.Do(t, "GET", "/instances/list?status=deleted", "")); len(got) != 1 {
		t.Errorf("got %q, want the one", got)
	}
	// An update in the later form keeps the user.
	engine := s.MintFor(t, "engine", "engine", execution.WritePermission)
	got := members(t, s.Do(t, "POST", "/instances/update", `{"id":"one","idRef":"m","name":"n","mode":"ExecSync","forceinput":[]}`,
		"Authorization: ApiKey "+engine))
	if string(got["user"]) != `"u"` || string(got["forceinput"]) != "[]" || string(got["input"]) != "null" {
		t.Errorf("got %s", got)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, s *apptest.Server) {
		full(t, s)
		for n, i := range [][3]string{{"m1", "ann", "created"}, {"m1", "bob", "deployed"}, {"m2", "ann", "deployed"}, {"m2", "bob", "created"}, {"m1", "ann", "error"}} {
			b := fmt.Sprintf(`{"id":"i%d","idRef":%q,"name":"n","mode":"ExecSync","user":%q,"input":1`, n, i[0], i[1])
			create(t, s, b+"}")
			members(t, s.Do(t, "POST", "/instances/update", b+fmt.Sprintf(`,"otStatus":%q}`, i[2])))
		}
		for query, want := range map[string]string{
			"":                                  "i0 i1 i2 i3 i4",
			"idRef=m1":                          "i0 i1 i4",
			"user=ann":                          "i0 i2 i4",
			"status=deployed":                   "i1 i2",
			"status=DEPLOYED":                   "",
			"status=running":                    "",
			"idRef=m1&user=ann":                 "i0 i4",
			"idRef=m1&status=created":           "i0",
			"user=ann&status=error":             "i4",
			"idRef=m2&user=ann&status=deployed": "i2",
			"idRef=m2&user=ann&status=error":    "",
			"IDREF=m1&User=BOB":                 "i1",
			"idRef=&status=":                    "i0 i1 i2 i3 i4",
			"_=1":                               "i0 i1 i2 i3 i4",
		} {
			if got := strings.Join(ids(t, s.Do(t, "GET", "/instances/list?"+query, "")), " "); got != want {
				t.Errorf("%q: got %q, want %q", query, got, want)
			}
			s.CheckHead(t, "/instances/list?"+query)
			// In pages it is the same, in the same order.
			whole := s.Do(t, "GET", "/instances/list?"+query, "").Body
			var parts []string
			target := "/instances/list?limit=2&" + query
			for range 4 {
				page := s.Do(t, "GET", target, "")
				if part := strings.Trim(page.Body, "[]"); part != "" {
					parts = append(parts, part)
				}
				target = strings.TrimSuffix(strings.TrimPrefix(page.Header.Get("Link"), "<"), `>; rel="next"`)
				if target == "" {
					break
				}
			}
			if strings.Trim(whole, "[]") != strings.Join(parts, ",") || target != "" {
				t.Errorf("%q in pages: got %q, want %s", query, parts, whole)
			}
		}
		for _, query := range []string{"idref=m1&idRef=m2", "model=m1", "limit=0", "cursor=x"} {
			refused(t, query, s.Do(t, "GET", "/instances/list?"+query, ""), 400, "")
		}
	})
}

// Any JSON in input and its like comes back: the same numbers, to the digit,
// in the same order.
func TestAnyJSON(t *testing.T) {
	t.Parallel()
	s := full(t, apptest.NewBolt(t))
	var anyJSON func(depth int) *rapid.Generator[string]
	text := rapid.Custom(func(r *rapid.T) string {
		b, err := json.Marshal(strings.ReplaceAll(rapid.String().Draw(r, "text"), "\uFFFD", "x"))
		if err != nil {
			r.Fatal(err)
		}
		return string(b)
	})
	anyJSON = func(depth int) *rapid.Generator[string] {
		scalar := rapid.OneOf(text, rapid.SampledFrom([]string{
			"true", "false", "0", "-0", "1.50", "1e400", "12345678901234567890.123456789", "-1E+2",
			`"\u00e9"`, `"<&>\u2028\/"`, `"\ud83d\ude00"`, `"\u0000"`, "{}", "[]",
		}))
		if depth == 0 {
			return scalar
		}
		inner := rapid.OneOf(anyJSON(depth-1), rapid.Just("null"))
		list := rapid.Map(rapid.SliceOfN(inner, 0, 4), func(v []string) string { return "[" + strings.Join(v, ",") + "]" })
		object := rapid.Custom(func(r *rapid.T) string {
			var parts []string
			for range rapid.IntRange(0, 4).Draw(r, "size") {
				// Keys are not sorted, and may be repeated.
				parts = append(parts, rapid.OneOf(text, rapid.SampledFrom([]string{`"b"`, `"a"`})).Draw(r, "key")+":"+inner.Draw(r, "value"))
			}
			return "{" + strings.Join(parts, ",") + "}"
		})
		return rapid.OneOf(scalar, list, object)
	}
	rapid.Check(t, func(r *rapid.T) {
		fields := []string{"input", "forceinput", "output", "logging"}
		var sent []string
		var request strings.Builder
		request.WriteString(`{"idRef":"m","name":"n","mode":"ExecSync","user":"u"`)
		for _, field := range fields {
			v := anyJSON(3).Draw(r, field)
			sent = append(sent, v)
			fmt.Fprintf(&request, `, %q : %s`, field, v)
		}
		got := s.Do(t, "PUT", "/instances/create", request.String()+"}")
		if got.Status != 200 {
			r.Fatalf("%s: got %d %s", request.String(), got.Status, got.Body)
		}
		var id struct{ ID string }
		if err := json.Unmarshal([]byte(got.Body), &id); err != nil {
			r.Fatal(err)
		}
		again := s.Do(t, "GET", "/instances/get/"+id.ID, "")
		if again.Body != got.Body {
			r.Fatalf("get: got %s, want %s", again.Body, got.Body)
		}
		var m map[string]json.RawMessage
		if err := json.Unmarshal([]byte(got.Body), &m); err != nil {
			r.Fatal(err)
		}
		for i, field := range fields {
			if string(m[field]) != sent[i] {
				r.Fatalf("%s: got %s, want %s", field, m[field], sent[i])
			}
		}
	})
}

// An update and a delete that are repeated get their first answers and have no
// further effect.
func TestRepeatedWrites(t *testing.T) {
	t.Parallel()
	s := apptest.NewBolt(t)
	full(t, s)
	for _, id := range []string{"one", "two"} {
		s.Do(t, "PUT", "/instances/create", body(`,"id":"`+id+`"`))
	}
	state := s.Do(t, "GET", "/instances/get/one", "").Header.Get("ETag")
	update := func(id, more string) apptest.Response {
		return s.Do(t, "POST", "/instances/update", body(`,"id":"`+id+`"`+more), "Idempotency-Key: k", "If-Match: "+state)
	}
	remove := func(id string) apptest.Response {
		return s.Do(t, "DELETE", "/instances/delete/"+id, "", "Idempotency-Key: k", "If-Match: *")
	}
	updated := update("one", `,"otStatus":"deployed"`)
	deleted := remove("one")
	for range 2 {
		if again := update("one", ` , "otStatus" : "deployed"`); updated.Status != 200 || again.Status != 200 || again.Body != updated.Body {
			t.Errorf("update: got %d %s, want %d %s", again.Status, again.Body, updated.Status, updated.Body)
		}
		if again := remove("one"); deleted.Status != 200 || again.Status != 200 || again.Body != deleted.Body {
			t.Errorf("delete: got %d %s, want %d %s", again.Status, again.Body, deleted.Status, deleted.Body)
		}
	}
	refused(t, "update to another status", update("one", `,"otStatus":"error"`), 422, "Idempotency-Key")
	refused(t, "update of another", s.Do(t, "POST", "/instances/update", body(`,"id":"two"`), "Idempotency-Key: k"), 422, "Idempotency-Key")
	refused(t, "delete of another", remove("two"), 422, "Idempotency-Key")
	refused(t, "delete without a key", s.Do(t, "DELETE", "/instances/delete/one", ""), 400, "not found")
}

func TestManners(t *testing.T) {
	t.Parallel()
	apptest.Everywhere(t, func(t *testing.T, s *apptest.Server) {
		full(t, s)
		first := s.Do(t, "PUT", "/instances/create", body(`,"id":"one"`), "Idempotency-Key: k")
		again := s.Do(t, "PUT", "/instances/create", body(`,"id":"one"`), "Idempotency-Key: k")
		if first.Status != 200 || again.Status != 200 || again.Body != first.Body || again.Header.Get("ETag") != first.Header.Get("ETag") {
			t.Errorf("repeated: got %d %s, want %s", again.Status, again.Body, first.Body)
		}
		refused(t, "repeated with another body", s.Do(t, "PUT", "/instances/create", body(`,"id":"two"`), "Idempotency-Key: k"), 422, "Idempotency-Key")
		refused(t, "without the key", s.Do(t, "PUT", "/instances/create", body(`,"id":"one"`)), 400, "already exists")

		etag := first.Header.Get("ETag")
		if got := s.Do(t, "GET", "/instances/get/one", "", "If-None-Match: "+etag); got.Status != 304 || got.Body != "" {
			t.Errorf("get of what is known: got %d %s", got.Status, got.Body)
		}
		if got := s.Do(t, "POST", "/instances/update", body(`,"id":"one","otStatus":"pulling"`), "If-Match: "+etag); got.Status != 200 {
			t.Errorf("update of what is known: got %d %s", got.Status, got.Body)
		}
		current := s.Do(t, "GET", "/instances/get/one", "").Header.Get("ETag")
		for method, target := range map[string]string{"POST": "/instances/update", "DELETE": "/instances/delete/one"} {
			got := s.Do(t, method, target, body(`,"id":"one"`), "If-Match: "+etag)
			refused(t, method+" of another state", got, 412, strings.Trim(current, `"`))
			if got.Header.Get("ETag") != current {
				t.Errorf("%s of another state: got the ETag %q, want %q", method, got.Header.Get("ETag"), current)
			}
		}
		refused(t, "update of what must not exist", s.Do(t, "POST", "/instances/update", body(`,"id":"one"`), "If-None-Match: *"), 412, "If-None-Match")
		refused(t, "create of what exists", s.Do(t, "PUT", "/instances/create", body(`,"id":"one"`), "If-None-Match: *"), 400, "already exists")
		refused(t, "method", s.Do(t, "POST", "/instances/create", "{}"), 405, "")
		refused(t, "path", s.Do(t, "GET", "/instances/nothing", ""), 404, "")
	})
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	s := apptest.NewBolt(t)
	secret := s.Mint(t, "alice", execution.ReadPermission, execution.WritePermission)
	create(t, s, body(`,"id":"one"`))
	reader := s.MintFor(t, "reader", "bob", execution.ReadPermission)
	writer := s.MintFor(t, "writer", "bob", execution.WritePermission)
	for _, r := range []struct{ method, target, denied string }{
		{"PUT", "/instances/create", reader},
		{"GET", "/instances/get/one", writer},
		{"GET", "/instances/list", writer},
		{"POST", "/instances/update", reader},
		{"DELETE", "/instances/delete/one", reader},
	} {
		for _, header := range []string{"Authorization:", "Authorization: ApiKey", "Authorization: ApiKey wrong", "Authorization: Bearer " + secret} {
			refused(t, r.method+" "+header, s.Do(t, r.method, r.target, body(`,"id":"one"`), header), 401, "Authorization: ApiKey SECRET")
		}
		refused(t, r.method+" denied", s.Do(t, r.method, r.target, body(`,"id":"one"`), "Authorization: ApiKey "+r.denied), 403, "permission execution:")
	}
	// Every key with the permission sees every instance, in any case of
	// the scheme.
	for _, scheme := range []string{"ApiKey", "apikey", "APIKEY"} {
		if got := s.Do(t, "GET", "/instances/get/one", "", "Authorization: "+scheme+" "+reader); got.Status != 200 {
			t.Errorf("%s: got %d %s", scheme, got.Status, got.Body)
		}
	}
	// Without a scheme, as the later description has it.
	if got := s.Do(t, "GET", "/instances/get/one", "", "Authorization: "+reader); got.Status != 200 {
		t.Errorf("a bare secret: got %d %s", got.Status, got.Body)
	}
	refused(t, "a bare secret, denied", s.Do(t, "GET", "/instances/get/one", "", "Authorization: "+writer), 403, "permission")
	refused(t, "a bare secret, wrong", s.Do(t, "GET", "/instances/get/one", "", "Authorization: "+reader+"x"), 401, "API key")
	if got := s.Do(t, "POST", "/instances/update", body(`,"id":"one"`), "Authorization: ApiKey "+writer); got.Status != 200 {
		t.Errorf("update by another owner: got %d %s", got.Status, got.Body)
	}
}

// Of many creates of one id at once, one wins.
func TestParallelCreates(t *testing.T) {
	t.Parallel()
	apptest.Each(t, func(t *testing.T, s *apptest.Server) {
		full(t, s)
		var mu sync.Mutex
		created := 0
		var all sync.WaitGroup
		for n := range 16 {
			all.Go(func() {
				got := s.Do(t, "PUT", "/instances/create", body(fmt.Sprintf(`,"id":"one","description":"%d"`, n)))
				mu.Lock()
				defer mu.Unlock()
				if got.Status == 200 {
					created++
				} else {
					refused(t, "create", got, 400, "already exists")
				}
			})
		}
		all.Wait()
		if created != 1 {
			t.Errorf("%d creates succeeded, want 1", created)
		}
	})
}

func TestHead(t *testing.T) {
	t.Parallel()
	apptest.Everywhere(t, func(t *testing.T, s *apptest.Server) {
		full(t, s)
		create(t, s, body(`,"id":"one"`))
		create(t, s, body(`,"id":"two"`))
		for _, target := range []string{
			"/instances/get/one", "/instances/get/none", "/instances/list", "/instances/list?idRef=m&limit=1", "/instances/list?limit=0",
		} {
			s.CheckHead(t, target)
			s.CheckHead(t, target, "Authorization:")
		}
		s.CheckHead(t, "/instances/get/one", "If-None-Match: *")
	})
}

// What a request may not send any more can be stored, and is taken as it is.
func TestStoredText(t *testing.T) {
	t.Parallel()
	s := full(t, apptest.NewBolt(t))
	key, err := execution.Key("..")
	if err != nil {
		t.Fatal(err)
	}
	old := instance.Instance{
		Kind: key.Kind, Collection: key.Collection, ID: key.ID, Group: "m\n", SubGroup: "u\u0000", Name: "n\uFFFD", Status: "created",
		Active: true, Owner: "alice", Version: 1, Incarnation: "1", CreatedAt: s.Clock.Now(), UpdatedAt: s.Clock.Now(),
		Attributes: json.RawMessage(`{"mode":"ExecSync","input":"\ud800","dockerId":"a\nb"}`),
	}
	if err := execution.Check(old); err != nil {
		t.Errorf("an import would refuse it: %v", err)
	}
	change := instance.Change{By: "test", Owner: "alice", At: s.Clock.Now(), Operation: "create"}
	if err := s.Repository.Create(t.Context(), old, change, nil); err != nil {
		t.Fatal(err)
	}
	if got := s.Do(t, "GET", "/instances/list", ""); got.Status != 200 || !strings.Contains(got.Body, `"id":"..","idRef":"m\n"`) ||
		!strings.Contains(got.Body, `"input":"\ud800"`) {
		t.Errorf("list: got %d %s", got.Status, got.Body)
	}
	// The user and dockerId stay.
	update := `{"id":"..","idRef":"m","name":"n","mode":"ExecSync","forceinput":[]}`
	if got := members(t, s.Do(t, "POST", "/instances/update", update)); string(got["user"]) != `"u\u0000"` || string(got["dockerId"]) != `"a\nb"` {
		t.Errorf("update: got %s", got)
	}
}
