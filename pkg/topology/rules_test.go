package topology_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"instances/pkg/app/apptest"
	"instances/pkg/instance"
	"instances/pkg/topology"
)

// problem is an error as this dialect answers it.
type problem struct {
	Type, Title, Detail string
	Status              int
	Errors              []struct{ Field, Message string }
}

// wantProblem checks that got is problem details of the status, about exactly
// these fields.
func wantProblem(t *testing.T, got apptest.Response, status int, fields ...string) problem {
	t.Helper()
	var p problem
	if err := json.Unmarshal([]byte(got.Body), &p); err != nil {
		t.Fatalf("got %d %q, no problem: %v", got.Status, got.Body, err)
	}
	if got.Status != status || p.Status != status || got.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("got %d %s %s, want problem %d", got.Status, got.Header.Get("Content-Type"), got.Body, status)
	}
	if p.Type != "about:blank" || p.Title == "" || p.Detail == "" {
		t.Errorf("got %s: it lacks a member", got.Body)
	}
	named := []string{}
	for _, e := range p.Errors {
		named = append(named, e.Field)
		if e.Message == "" {
			t.Errorf("got %s: %s has no message", got.Body, e.Field)
		}
	}
	if !slices.Equal(named, fields) && len(named)+len(fields) > 0 {
		t.Errorf("got errors for %q, want %q: %s", named, fields, got.Body)
	}
	return p
}

// create makes an instance and returns its path.
func create(t *testing.T, s *apptest.Server, body string) string {
	t.Helper()
	got := s.Do(t, "POST", topology.BasePath, body)
	if got.Status != 201 {
		t.Fatalf("create %.200s: got %d %s", body, got.Status, got.Body)
	}
	return got.Header.Get("Location")
}

// get returns the members of the instance at path.
func get(t *testing.T, s *apptest.Server, path string) map[string]json.RawMessage {
	t.Helper()
	got := s.Do(t, "GET", path, "")
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(got.Body), &members); err != nil || got.Status != 200 {
		t.Fatalf("GET %s: got %d %s", path, got.Status, got.Body)
	}
	return members
}

// full mints a key that may do everything of this dialect, for Do.
func full(t *testing.T, s *apptest.Server) *apptest.Server {
	t.Helper()
	s.Mint(t, "alice", topology.ReadPermission, topology.WritePermission)
	return s
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	s := apptest.NewBolt(t)
	path := create(t, full(t, s), `{"instanceName":"n","instanceCode":"c","instanceId":{"any":["thing"]},"unknown":1}`)
	want := `{"description":null,"environments":[],"workflows":[],"instanceId":1,"instanceName":"n","isActive":true,` +
		`"pluginOperations":[],"instanceCode":"c","groupCode":null,"subGroupCode":null,"isDeploymentTarget":true}`
	if got := s.Do(t, "GET", path, ""); got.Body != want {
		t.Errorf("POST: got %s, want %s", got.Body, want)
	}
	whole := `{"description":"d","environments":[1],"workflows":[2],"instanceName":"n","isActive":false,` +
		`"pluginOperations":[{"pluginId":1,"operation":"o"}],"instanceCode":"c","groupCode":"g","subGroupCode":"s","isDeploymentTarget":false}`
	if got := s.Do(t, "PUT", path, whole); got.Status != 200 {
		t.Fatalf("PUT: got %d %s", got.Status, got.Body)
	}
	// The name that only the table of PATCH has.
	both := `{"instanceName":"n","instanceCode":"%s","plugins":[{"pluginId":1e1,"operation":"o"}],"pluginOperations":[{"propertySetName":"p","ownerId":2.0}]}`
	const operations = `[{"propertySetName":"p","ownerId":2},{"pluginId":10,"operation":"o"}]`
	if got := get(t, s, create(t, s, fmt.Sprintf(both, "d"))); string(got["pluginOperations"]) != operations {
		t.Errorf("POST of plugins: got %s", got["pluginOperations"])
	}
	if got := s.Do(t, "PUT", path, fmt.Sprintf(both, "c")); got.Status != 200 || !strings.Contains(got.Body, operations) {
		t.Errorf("PUT of plugins: got %d %s", got.Status, got.Body)
	}
	// The type that curl sends by default, and a byte order mark.
	if got := s.Do(t, "PATCH", path, "\uFEFF\n"+`{"groupCode":"h"}`, "Content-Type: application/x-www-form-urlencoded"); got.Status != 200 {
		t.Errorf("PATCH as a form: got %d %s", got.Status, got.Body)
	}
	// A PUT of what is required resets everything else.
	if got := s.Do(t, "PUT", path, `{"instanceName":"n","instanceCode":"c"}`); got.Status != 200 || got.Body != want {
		t.Errorf("PUT: got %d %s, want %s", got.Status, got.Body, want)
	}
}

// What a request nests too deep is refused by name, read or not.
func TestDepth(t *testing.T) {
	t.Parallel()
	s := full(t, apptest.NewBolt(t))
	nested := func(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }
	path := create(t, s, body(`"instanceId":`+nested(100)))
	for _, field := range []string{"environments", "pluginOperations", "plugins", "instanceId", "unknown"} {
		for method, target := range map[string]string{"POST": topology.BasePath, "PUT": path, "PATCH": path} {
			p := wantProblem(t, s.Do(t, method, target, body(`"`+field+`":`+nested(101))), 400, field)
			if len(p.Errors) == 1 && p.Errors[0].Message != "must not be nested deeper than 100 levels" {
				t.Errorf("%s: got %+v", method, p)
			}
		}
	}
}

func TestBadBodies(t *testing.T) {
	t.Parallel()
	s := apptest.NewBolt(t)
	path := create(t, full(t, s), `{"instanceName":"n","instanceCode":"c","environments":[1]}`)
	before := s.Do(t, "GET", path, "").Body
	longList := strings.ReplaceAll(fmt.Sprint(slices.Collect(count(1001))), " ", ",")

	for name, test := range map[string]struct {
		body   string
		fields []string // of a POST or PUT
		patch  []string // of a PATCH; nil where it is no error there
	}{
		"nothing given":          {`{}`, []string{"instanceName", "instanceCode"}, nil},
		"no name":                {`{"instanceCode":"x"}`, []string{"instanceName"}, nil},
		"nulls":                  {`{"instanceName":null,"instanceCode":null}`, []string{"instanceName", "instanceCode"}, nil},
		"blank name":             {`{"instanceName":" \t","instanceCode":"x"}`, []string{"instanceName"}, []string{"instanceName"}},
		"empty code":             {`{"instanceName":"x","instanceCode":""}`, []string{"instanceCode"}, []string{"instanceCode"}},
		"white space in code":    {`{"instanceName":"x","instanceCode":"a\u00a0b"}`, []string{"instanceCode"}, []string{"instanceCode"}},
		"two lines in a name":    {`{"instanceName":"a\nb","instanceCode":"x"}`, []string{"instanceName"}, []string{"instanceName"}},
		"a control in a code":    {`{"instanceName":"x","instanceCode":"a\u0000"}`, []string{"instanceCode"}, []string{"instanceCode"}},
		"zero width in a code":   {`{"instanceName":"x","instanceCode":"a\u200bb"}`, []string{"instanceCode"}, []string{"instanceCode"}},
		"a BOM in a code":        {`{"instanceName":"x","instanceCode":"\ufeffa"}`, []string{"instanceCode"}, []string{"instanceCode"}},
		"a variation in a code":  {`{"instanceName":"x","instanceCode":"a\ufe0f"}`, []string{"instanceCode"}, []string{"instanceCode"}},
		"tab in a group":         {body(`"groupCode":"a\tb"`), []string{"groupCode"}, []string{"groupCode"}},
		"zero width in a group":  {body(`"groupCode":"\u2060"`), []string{"groupCode"}, []string{"groupCode"}},
		"delete in a sub group":  {body(`"subGroupCode":"\u007f"`), []string{"subGroupCode"}, []string{"subGroupCode"}},
		"joiner in a sub group":  {body(`"subGroupCode":"a\u200d"`), []string{"subGroupCode"}, []string{"subGroupCode"}},
		"a control in operation": {body(`"pluginOperations":[{"pluginId":1,"operation":"a\u0085"}]`), []string{"pluginOperations[0]"}, []string{"pluginOperations[0]"}},
		"a control in a set":     {body(`"pluginOperations":[{"propertySetName":"a\r","ownerId":1}]`), []string{"pluginOperations[0]"}, []string{"pluginOperations[0]"}},
		"bytes, not UTF-8":       {body("\"description\":\"\xe9\""), []string{"description"}, []string{"description"}},
		"a lone surrogate":       {body(`"pluginOperations":[{"pluginId":1,"operation":"\ud800"}]`), []string{"pluginOperations"}, []string{"pluginOperations"}},
		"several surrogates":     {`{"instanceName":"\udc00","instanceCode":"\udc00","isActive":1}`, []string{"instanceCode", "instanceName"}, []string{"instanceCode", "instanceName"}},
		"numeric name":           {`{"instanceName":1,"instanceCode":"x"}`, []string{"instanceName"}, []string{"instanceName"}},
		"numeric description":    {body(`"description":1`), []string{"description"}, []string{"description"}},
		"object as group":        {body(`"groupCode":{}`), []string{"groupCode"}, []string{"groupCode"}},
		"list as sub group":      {body(`"subGroupCode":[]`), []string{"subGroupCode"}, []string{"subGroupCode"}},
		"text as switch":         {body(`"isActive":"true"`), []string{"isActive"}, []string{"isActive"}},
		"number as switch":       {body(`"isDeploymentTarget":0`), []string{"isDeploymentTarget"}, []string{"isDeploymentTarget"}},
		"text as list":           {body(`"environments":"1"`), []string{"environments"}, []string{"environments"}},
		"text in list":           {body(`"environments":[1,"2"]`), []string{"environments[1]"}, []string{"environments[1]"}},
		"fraction in list":       {body(`"workflows":[1.5]`), []string{"workflows[0]"}, []string{"workflows[0]"}},
		"null in list":           {body(`"workflows":[null]`), []string{"workflows[0]"}, []string{"workflows[0]"}},
		"number over 64 bits":    {body(`"workflows":[9223372036854775808]`), []string{"workflows[0]"}, []string{"workflows[0]"}},
		"number as operation":    {body(`"pluginOperations":[1]`), []string{"pluginOperations[0]"}, []string{"pluginOperations[0]"}},
		"half an operation":      {body(`"pluginOperations":[{"pluginId":1}]`), []string{"pluginOperations[0]"}, []string{"pluginOperations[0]"}},
		"mixed operation":        {body(`"pluginOperations":[{"pluginId":1,"operation":"o","ownerId":2}]`), []string{"pluginOperations[0]"}, []string{"pluginOperations[0]"}},
		"text as plugin id":      {body(`"pluginOperations":[{"pluginId":"1","operation":"o"}]`), []string{"pluginOperations[0]"}, []string{"pluginOperations[0]"}},
		"long name":              {`{"instanceName":"` + strings.Repeat("é", 256) + `","instanceCode":"x"}`, []string{"instanceName"}, []string{"instanceName"}},
		"long code":              {`{"instanceName":"x","instanceCode":"` + strings.Repeat("é", 101) + `"}`, []string{"instanceCode"}, []string{"instanceCode"}},
		"long description":       {body(`"description":"` + strings.Repeat("é", 4001) + `"`), []string{"description"}, []string{"description"}},
		"long list":              {body(`"environments":` + longList), []string{"environments"}, []string{"environments"}},
		"several":                {`{"instanceName":1,"isActive":2}`, []string{"instanceName", "isActive", "instanceCode"}, []string{"instanceName", "isActive"}},
		"another's code":         {`{"instanceName":"x","instanceCode":"OTHER"}`, []string{"instanceCode"}, []string{"instanceCode"}},
		"second name for plugin": {body(`"plugins":[1]`), []string{"plugins[0]"}, []string{"plugins[0]"}},
	} {
		if name == "another's code" {
			create(t, s, `{"instanceName":"n","instanceCode":"other"}`)
		}
		for _, request := range []struct {
			method, path string
			fields       []string
		}{
			{"POST", topology.BasePath, test.fields}, {"PUT", path, test.fields}, {"PATCH", path, test.patch},
		} {
			if request.fields == nil {
				continue
			}
			t.Run(request.method+" "+name, func(t *testing.T) {
				wantProblem(t, s.Do(t, request.method, request.path, test.body), 400, request.fields...)
			})
		}
	}
	if after := s.Do(t, "GET", path, "").Body; after != before {
		t.Errorf("a refused request changed the instance: %s, was %s", after, before)
	}
	var all []json.RawMessage
	if err := json.Unmarshal([]byte(s.Do(t, "GET", topology.BasePath, "").Body), &all); err != nil || len(all) != 2 {
		t.Errorf("got %d instances, want the 2 that were created", len(all))
	}
}

// body returns a body that is valid but for more.
func body(more string) string {
	return `{"instanceName":"x","instanceCode":"x",` + more + `}`
}

// count yields the numbers from 1 to n.
func count(n int) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i + 1) {
				return
			}
		}
	}
}

func TestMalformedBodies(t *testing.T) {
	t.Parallel()
	s := apptest.NewBolt(t)
	path := create(t, full(t, s), `{"instanceName":"n","instanceCode":"c"}`)
	valid := `{"instanceName":"m","instanceCode":"d"}`
	for _, request := range [][2]string{{"POST", topology.BasePath}, {"PUT", path}, {"PATCH", path}} {
		for _, body := range []string{"", "{", valid + "x", valid + valid, "[]", "null", `"x"`} {
			wantProblem(t, s.Do(t, request[0], request[1], body), 400)
		}
		wantProblem(t, s.Do(t, request[0], request[1], "a=b", "Content-Type: text/plain"), 400)
		wantProblem(t, s.Do(t, request[0], request[1], `{"a":"`+strings.Repeat("x", 1<<20)+`"}`), 413)
	}
}

func TestIDs(t *testing.T) {
	t.Parallel()
	s := full(t, apptest.NewBolt(t))
	valid := `{"instanceName":"m","instanceCode":"d"}`
	for _, method := range []string{"GET", "PUT", "PATCH", "DELETE"} {
		for _, id := range []string{"0", "-1", "x", "1.5", "1e3", "%20", "1%20", "+1", "0x1", "%D9%A1", "1%2F2", "00"} {
			wantProblem(t, s.Do(t, method, topology.BasePath+"/"+id, valid), 400, "Id")
		}
		for _, id := range []string{"11104", "9223372036854775807", "9223372036854775808", "99999999999999999999999999"} {
			p := wantProblem(t, s.Do(t, method, topology.BasePath+"/"+id, valid), 404)
			if want := "Instance " + id + " not found"; p.Detail != want {
				t.Errorf("got detail %q, want %q", p.Detail, want)
			}
		}
	}
}

func TestPatch(t *testing.T) {
	t.Parallel()
	s := apptest.NewBolt(t)
	path := create(t, full(t, s), `{"instanceName":"n","instanceCode":"c","description":"d","groupCode":"g","subGroupCode":"s",`+
		`"environments":[3,1,3],"workflows":[5],"pluginOperations":[{"pluginId":1,"operation":"a"},{"operation":"a","pluginId":1,"extra":0}]}`)
	steps := []struct{ body, field, want string }{
		{`{}`, "environments", `[3,1]`},
		{`{}`, "pluginOperations", `[{"pluginId":1,"operation":"a"}]`},
		{`{"environments":[2.0,1,20e-1,4.00e0]}`, "environments", `[3,1,2,4]`},
		{`{"environments":[]}`, "environments", `[3,1,2,4]`},
		{`{"workflows":[-1,9007199254740993]}`, "workflows", `[5,-1,9007199254740993]`},
		{`{"plugins":[{"pluginId":2,"operation":"b"}]}`, "pluginOperations", `[{"pluginId":1,"operation":"a"},{"pluginId":2,"operation":"b"}]`},
		{
			`{"pluginOperations":[{"propertySetName":"p","ownerId":7}],"plugins":[{"pluginId":1,"operation":"a"}]}`, "pluginOperations",
			`[{"pluginId":1,"operation":"a"},{"pluginId":2,"operation":"b"},{"propertySetName":"p","ownerId":7}]`,
		},
		{`{"description":null}`, "description", `"d"`},
		{`{"description":""}`, "description", `null`},
		{`{"groupCode":""}`, "groupCode", `null`},
		{`{"subGroupCode":""}`, "subGroupCode", `null`},
		{`{"isActive":false}`, "isActive", `false`},
		{`{"isDeploymentTarget":false,"isActive":null}`, "isActive", `false`},
		{`{"instanceName":"<&>\u2028\"é","instanceId":"any"}`, "instanceName", `"<&>\u2028\"é"`},
		{`{"instanceCode":"C"}`, "instanceCode", `"C"`},
	}
	for _, step := range steps {
		got := s.Do(t, "PATCH", path, step.body)
		if got.Status != 200 {
			t.Fatalf("PATCH %s: got %d %s", step.body, got.Status, got.Body)
		}
		if field := string(get(t, s, path)[step.field]); field != step.want {
			t.Errorf("PATCH %s: %s is %s, want %s", step.body, step.field, field, step.want)
		}
	}
}

func TestListsGrowToTheirLimit(t *testing.T) {
	t.Parallel()
	s := apptest.NewBolt(t)
	thousand := strings.ReplaceAll(fmt.Sprint(slices.Collect(count(1000))), " ", ",")
	path := create(t, full(t, s), body(`"environments":`+thousand))
	before := s.Do(t, "GET", path, "").Body
	wantProblem(t, s.Do(t, "PATCH", path, `{"environments":[1001],"isActive":false}`), 400, "environments")
	if after := s.Do(t, "GET", path, "").Body; after != before {
		t.Error("a refused PATCH changed the instance")
	}
	if got := s.Do(t, "PATCH", path, `{"environments":[1000]}`); got.Status != 200 {
		t.Errorf("an entry that is there already: got %d %s", got.Status, got.Body)
	}

	// Operations with long names reach the limit of the whole before that
	// of the list.
	operations := func(from, to int) string {
		var list []string
		for i := from; i < to; i++ {
			list = append(list, fmt.Sprintf(`{"pluginId":%d,"operation":%q}`, i, strings.Repeat("é", 255)))
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	if got := s.Do(t, "PATCH", path, `{"plugins":`+operations(0, 500)+`}`); got.Status != 200 {
		t.Fatalf("an instance within its limit: got %d %.200s", got.Status, got.Body)
	}
	before = s.Do(t, "GET", path, "").Body
	p := wantProblem(t, s.Do(t, "PATCH", path, `{"plugins":`+operations(500, 600)+`}`), 400)
	if !strings.Contains(p.Detail, "307200 bytes") {
		t.Errorf("an instance over its limit: got detail %q", p.Detail)
	}
	wantProblem(t, s.Do(t, "POST", topology.BasePath, `{"instanceName":"l","instanceCode":"l","pluginOperations":`+operations(0, 600)+`}`), 400)
	if after := s.Do(t, "GET", path, "").Body; after != before {
		t.Error("a refused PATCH changed the instance")
	}
}

// What a request may not send any more can be stored: it is read, and what a
// request does not send stays, also through a restore.
func TestStoredText(t *testing.T) {
	t.Parallel()
	s := full(t, apptest.NewBolt(t))
	startAt(t, s, 7)
	path := create(t, s, `{"instanceName":"n","instanceCode":"c"}`)
	key := keyOf(t, path)
	stored, err := s.Repository.Update(t.Context(), key, operator(s, "import"), nil, func(i instance.Instance) (instance.Instance, error) {
		i.Name, i.Code, i.Group, i.SubGroup = "a\nb\uFFFD", "a\u200bb\u0001\uFFFD", "\u0000g", "s\ufeff"
		i.Attributes = json.RawMessage(`{"description":"\ufffd","pluginOperations":[{"pluginId":1,"operation":"a\nb"}],"isDeploymentTarget":true}`)
		return i, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := topology.Check(stored); err != nil {
		t.Errorf("an import would refuse it: %v", err)
	}
	before := get(t, s, path)
	if got := s.Do(t, "PATCH", path, `{"environments":[1]}`); got.Status != 200 {
		t.Errorf("PATCH: got %d %s", got.Status, got.Body)
	}
	if got := s.Do(t, "DELETE", path, ""); got.Status != 204 {
		t.Errorf("DELETE: got %d %s", got.Status, got.Body)
	}
	if _, err := s.Repository.Restore(t.Context(), key, operator(s, "restore")); err != nil {
		t.Fatal(err)
	}
	after := get(t, s, path)
	if string(after["environments"]) != "[1]" {
		t.Errorf("got %s", after)
	}
	for field, value := range before {
		if field != "environments" && string(after[field]) != string(value) {
			t.Errorf("%s: got %s, want %s", field, after[field], value)
		}
	}
}
